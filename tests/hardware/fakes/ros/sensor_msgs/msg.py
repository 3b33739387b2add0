import array
import io
import itertools

from PIL import Image as Pillow


class Image:
    encoding, height, width, step = "bgr8", 24, 32, 32 * 3


class CompressedImage:
    format = "jpeg"


COUNT = itertools.count()


def shown(kind):
    """The next picture: mostly blue (200), less green (100), a red that counts."""
    red = next(COUNT) % 50 * 2
    if kind == "Image":
        message = Image()
        message.data = array.array("B", bytes((200, 100, red)) * (32 * 24))
        return message
    message, jpeg = CompressedImage(), io.BytesIO()
    Pillow.new("RGB", (32, 24), (red, 100, 200)).save(jpeg, "JPEG", quality=95)
    message.data = array.array("B", jpeg.getvalue())
    return message
