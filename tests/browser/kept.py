"""Files that a run has left for a bench."""

import base64
import io

import numpy as np
from PIL import Image

from tutorial.data.cifar10 import STAND_IN
from tutorial.lesson.project import Project
from tutorial.record import records


def kept(section: str, cell: str) -> bytes:
    """The file that the cell has written."""
    project = Project.find()
    record = records.read(project, "cpu", section, cell)
    return (records.folder(project, "cpu", section) / record.kept[0]).read_bytes()


def on_stand_in(section: str) -> bool:
    """Whether the run had the drawn pictures for CIFAR-10."""
    return STAND_IN in records.data_of(Project.find(), "cpu", section)


def pixels(canvas) -> np.ndarray:
    """What a canvas of the page shows, (height, width, 4)."""
    url = canvas.evaluate("(canvas) => canvas.toDataURL()")
    return np.array(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))
