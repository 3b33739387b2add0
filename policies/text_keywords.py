"""Words that the parser knows, in English and Korean, as regular expressions; data, no code.

English words are matched whole, Korean ones as stems, since endings are glued to them.
"""

from __future__ import annotations

from policies.robot_action import ActionType

# A stop tied to a place ("stop at the cup", "컵 앞에서 멈춰") ends a journey: no order to stop.
KEYWORDS: dict[ActionType, tuple[str, ...]] = {  # where counts are equal, the first type wins
    ActionType.STOP: (
        r"\b(?:stop|halt|freeze)\b(?! (?:at|in|by|near|next|before|beside|when|once)\b)",
        r"\bstand still\b", r"\bwait\b", r"(?<!앞에서 )(?<!옆에서 )(?:멈추|멈춰|멈춤)", r"정지",
        r"기다려",
    ),
    ActionType.AVOID: (
        r"\bavoid(?:ing)?\b", r"\bevade\b", r"\bdodge\b", r"\b(?:go|drive|steer) around\b",
        r"\bstay away\b", r"피하", r"피해", r"회피", r"비켜",
    ),
    ActionType.NAVIGATE: (
        r"\bnavigat(?:e|ing)\b", r"\breach\b", r"\bapproach(?:ing)?\b",
        r"\b(?:go|drive|head|come|path) to\b", r"\btowards?\b", r"\bfind\b", r"까지", r"향해",
        r"찾아", r"다가가", r"이동해서", r"도착",
    ),
    ActionType.GRAB: (
        r"\bgrab\b", r"\bgrasp\b", r"\bpick(?: it)? up\b", r"\bhold\b",
        r"\btake\b(?= (?:the|a) cup)",
        r"잡아", r"잡으", r"집어", r"쥐어",
    ),
    ActionType.RELEASE: (
        r"\brelease\b", r"\bdrop\b", r"\blet go\b", r"\bput(?: it)? down\b", r"놓아", r"놔",
        r"내려놓",
    ),
    ActionType.POINT: (r"\bpoint(?:ing)? (?:at|to)\b", r"가리켜", r"가리키"),
    ActionType.LOOK: (r"\blook\b", r"\bwatch\b", r"\bobserve\b", r"바라봐", r"쳐다봐", r"살펴"),
    ActionType.TURN: (
        r"\bturn\b", r"\brotate\b", r"\bspin\b", r"회전", r"돌아", r"돌려", r"꺾어",
    ),
    ActionType.MOVE: (
        r"\bmov(?:e|ing)\b", r"\b(?:go|drive)\b(?! (?:around|to)\b)", r"\badvance\b", r"\bstrafe\b",
        r"\bsidestep\b", r"움직", r"이동(?!해서)", r"전진", r"후진", r"가세요", r"가자", r"직진",
    ),
}
DIRECTIONS = {
    "forward": (r"\bforwards?\b", r"\bahead\b", r"\bstraight\b", r"앞으로", r"전진", r"직진"),
    "backward": (r"\bback(?:wards?)?\b", r"\breverse\b", r"뒤로", r"후진"),
    "left": (r"\bleft\b", r"왼쪽", r"왼편", r"좌측", r"좌회전"),
    "right": (r"\bright\b", r"오른쪽", r"오른편", r"우측", r"우회전"),
}
SIDEWAYS = (r"\bstrafe\b", r"\bsidestep\b", r"\bsideways\b", r"옆으로")
SPEEDS = (  # where several are named the slowest counts
    (0.3, (r"\bcarefully\b", r"\bcautiously\b", r"조심")),
    (0.5, (r"\bslow(?:ly)?\b", r"천천히", r"느리게")),
    (1.5, (r"\bfast(?:er)?\b", r"\bquick(?:ly)?\b", r"빠르게", r"빨리")),
)
OBJECTS = (  # name, and how it is called
    ("cup", (r"\bcups?\b", r"컵")), ("box", (r"\bbox(?:es)?\b", r"박스", r"상자")),
    ("obstacle", (r"\bobstacles?\b", r"장애물")), ("bottle", (r"\bbottles?\b", r"페트병", r"물병")),
    ("basket", (r"\bbaskets?\b", r"바구니")), ("ball", (r"\bballs?\b", r"공(?=[을를이가까에 ]|$)")),
    ("chair", (r"\bchairs?\b", r"의자")), ("table", (r"\btables?\b", r"탁자", r"책상")),
    ("door", (r"\bdoors?\b", r"출입문")), ("person", (r"\b(?:person|people)\b", r"사람")),
)
NEGATED = (  # what is forbidden is not asked for
    r"\b(?:do not|don't|dont|never|must not|not)\s+(?:\w+\s+){0,2}?{word}",
    r"{word}\w{0,3}지\s?(?:마|말|않)",
)
KEEP_ON = (  # the box on the right means the robot on its left
    r"\b(?:keep|leave|hold)(?:ing)?\b.{0,40}?\bon (?:your|the|its|our)?\s?(left|right)\b",
    r"(왼|좌|오른|우)\S{0,2}에\s(?:두|끼|놓)고",
)
