"""The `calls` fence: every name of torch and torchvision in the lessons, and where it ran.

Found in the code: a chain of attributes that begins with an import of the script, `nn.Linear`. A
method of an object, `loss.backward()`, is not among them, since only a run knows its class.
"""

import ast
import re
from collections.abc import Iterator

from markdown import Markdown

from tutorial.lesson.cells import Cell, Section
from tutorial.page.context import BuildContext, render

PACKAGES = ("torch", "torchvision")
CHAIN = re.compile(r"[\w.]+")
DOCS = "https://docs.pytorch.org"
# Names and modules that have no page of their own in the reference, which is the rule.
SHARED = {
    r"torch\.(u?int|b?float|complex)\d+|torch\.(bool|long)": "tensor_attributes.html#torch.dtype",
    r"torch\.(channels_last|contiguous_format)": "tensor_attributes.html#torch.memory_format",
    r"torch\.device": "tensor_attributes.html#torch.device",
    r"torch\.Tensor": "tensors.html",
    r"torch\.(finfo|iinfo)": "type_info.html",
    r"torch\.autocast": "amp.html#torch.autocast",
    r"torch\.amp\.GradScaler": "amp.html#gradient-scaling",
    r"torch\.(inference_mode|set_grad_enabled)": "generated/torch.autograd.grad_mode.{last}.html",
    r"torch\.nn\.Parameter": "generated/torch.nn.parameter.Parameter.html",
    r"torch\.accelerator\..*memory\w*": "generated/torch.accelerator.memory.{last}.html",
    r"torch\.autograd\.graph\.Node": "autograd.html#autograd-graph",
    r"torch\.autograd\.graph\..*": "autograd.html#{name}",
    r"torch\.backends\.cudnn\..*": "backends.html#torch-backends-cudnn",
    r"torch\.distributed\.destroy_process_group": "distributed.html#shutdown",
    r"torch\.distributed\.elastic\..*": "elastic/errors.html#{name}",
    r"torch\.distributed\..*": "distributed.html#{name}",
    r"torch\.nn\.Flatten": "generated/torch.nn.modules.flatten.Flatten.html",
    r"torch\.nn\.init\..*": "nn.init.html#{name}",
    r"torch\.testing\..*": "testing.html#{name}",
    r"torch\.utils\.data\.DistributedSampler": "data.html#torch.utils.data.distributed.{last}",
    r"torch\.utils\.data\..*": "data.html#{name}",
    r"torch\.(nan|inf)": "torch.html#constants",
    r"torch\.pi|torch\.utils\.flop_counter\..*": "",  # not in the reference of 2.14
}


def show_calls(context: BuildContext, text: str, md: Markdown) -> str:
    """A table for each module: a name, its page of the reference, the first cell of each lesson."""
    # Not the solutions of blanks, which no page shows as cells.
    shown = {fence.named for fence in context.project.fences if fence.kind == "cell"}
    uses: dict[str, dict[str, Cell]] = {}
    for section in context.lessons:
        for cell, name in names(section):
            if f"{section.name}.py::{cell.name}" not in shown:
                continue
            uses.setdefault(name, {}).setdefault(section.name, cell)
    modules: dict[str, list[str]] = {}
    for name in sorted(uses, key=str.lower):
        modules.setdefault(name.rpartition(".")[0], []).append(name)
    return render(
        "calls.html",
        modules=dict(sorted(modules.items())),
        uses=uses,
        reference=reference,
        title_of=context.title_of,
    )


def names(section: Section) -> Iterator[tuple[Cell, str]]:
    """Every use of a name of the packages in a script, in full: `torch.nn.Linear`."""
    imported: dict[str, str] = {}
    for cell in section.cells:
        for node in ast.walk(cell.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    imported[alias.asname or top] = alias.name if alias.asname else top
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        for chain in _chains(cell.tree):
            first, _, rest = chain.partition(".")
            full = f"{imported.get(first, first)}.{rest}".rstrip(".")
            if full.partition(".")[0] in PACKAGES and first in imported and (name := _public(full)):
                yield cell, name


def _chains(tree: ast.AST) -> Iterator[str]:
    """The longest chains of attributes of a name: `torch.nn.Linear`, not `torch.nn` within it."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name)]
    within = {node.value for node in nodes if isinstance(node, ast.Attribute)}
    texts = [ast.unparse(node) for node in nodes if node not in within]
    yield from (text for text in texts if CHAIN.fullmatch(text))


def _public(name: str) -> str:
    """A name without what follows a class in it; empty for a module and for what is private."""
    parts = name.split(".")
    for number, part in enumerate(parts):
        if part.startswith("_"):
            return ""
        if part[0].isupper():
            return ".".join(parts[: number + 1])
    modules = {*PACKAGES, "nn", "optim", "utils", "data", "cuda", "functional", "v2"}
    return "" if parts[-1] in modules else name


def reference(name: str) -> str:
    """The address of a name in PyTorch's reference, which `make links` asks for; empty if none."""
    last = name.rpartition(".")[2]
    if name.startswith("torchvision."):
        folder = "generated"
        if name.startswith("torchvision.models.") and last != "get_weight":
            name, folder = name.lower().removesuffix("_weights"), "models/generated"
        return f"{DOCS}/vision/stable/{folder}/{name}.html"
    for pattern, page in SHARED.items():
        if re.fullmatch(pattern, name):
            return page and f"{DOCS}/docs/stable/{page.format(name=name, last=last)}"
    return f"{DOCS}/docs/stable/generated/{name}.html"
