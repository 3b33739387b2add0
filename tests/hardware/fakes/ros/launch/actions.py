class DeclareLaunchArgument:
    def __init__(self, name, *, default_value, description):
        self.name, self.default = name, default_value


class ExecuteProcess:
    def __init__(self, *, cmd, cwd, output):
        self.command, self.folder = cmd, cwd
