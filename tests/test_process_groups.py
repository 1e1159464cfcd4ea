"""The programs of the page on many processes leave no thread behind when they end their group."""

import os
import subprocess
import sys

import pytest

from tutorial.lesson.project import Project

CELLS = {cell.name: cell.source for cell in Project.find().sections["processes"].cells}

# Goes on from a program's imports and its begin().
ENDS = """
device = begin()
net = DistributedDataParallel(nn.Linear(3, 3).to(device))
net(torch.ones(2, 3, device=device)).sum().backward()
del net
dist.destroy_process_group()
tasks = Path("/proc/self/task")
print([name for task in tasks.iterdir() if "gloo" in (name := (task / "comm").read_text())])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the names of threads from /proc")
def test_gloo_has_no_thread_after_the_end_of_the_group(tmp_path):
    program = tmp_path / "ends.py"
    helper = {}
    exec(CELLS["write-program"], helper)
    program.write_text(helper["IMPORTS"] + CELLS["begin"] + ENDS)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", program],
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[]\n", done.stdout + done.stderr
