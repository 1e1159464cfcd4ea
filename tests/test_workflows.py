"""The workflows: sound by the tools made for it; the site job works from artifacts alone."""

import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from tutorial.lesson.project import Project

ROOT = Path(__file__).resolve().parent.parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
PYTHON = "3.11"


def read(path: Path) -> dict:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["on"] = content.pop(True)  # YAML 1.1 takes the key for a truth value
    return content


CI = read(GITHUB / "workflows" / "ci.yml")
NIGHTLY = read(GITHUB / "workflows" / "nightly.yml")


def steps() -> list:
    return [
        pytest.param(step, id=f"{path.stem}-{job}-{number}")
        for path in WORKFLOWS
        for job, content in read(path)["jobs"].items()
        for number, step in enumerate(content["steps"])
    ]


def tool(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True
    )


def test_zizmor_finds_nothing_in_the_workflows():
    program = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    assert program, "make install brings zizmor"
    done = subprocess.run(
        [program, "--offline", "--no-progress", "--persona=pedantic", str(GITHUB)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for path in WORKFLOWS:
        assert path.name in done.stdout + done.stderr, "not looked at"


@pytest.mark.parametrize(
    ("schema", "files"),
    [("vendor.github-workflows", WORKFLOWS), ("vendor.dependabot", [GITHUB / "dependabot.yml"])],
)
def test_files_are_as_their_schema_says(schema, files):
    done = tool("check_jsonschema", "--builtin-schema", schema, *map(str, files))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("step", [s for s in steps() if "uses" in s.values[0]])
def test_actions_are_pinned_by_hash(step):
    assert re.fullmatch(r"actions/[\w-]+(/[\w-]+)?@[0-9a-f]{40}", step["uses"])


@pytest.mark.parametrize(
    "step", [s for s in steps() if "run" in s.values[0] and "ci-notebooks" not in s.id]
)
def test_what_a_step_runs_is_a_line_that_can_be_run_anywhere(step):
    command = step["run"].strip()
    assert "\n" not in command and "${{" not in command
    targets = re.findall(r"\bmake (?:--silent )?([a-z-]+)", command)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"no target {target}"
    assert targets or command.startswith(("echo ", "(echo ", "mkdir ")) or '"$TARGET"' in command


def test_the_site_is_tested_before_it_is_published():
    commands = [step.get("run", step.get("uses", "")) for step in CI["jobs"]["site"]["steps"]]
    visits = commands.index("make machinery")
    published = [at for at, text in enumerate(commands) if "upload-pages-artifact" in text]
    assert commands.index("make assemble") < visits < min(published)
    nightly = [step.get("run") for job in NIGHTLY["jobs"].values() for step in job["steps"]]
    assert "make test ALL=1" in nightly


def test_permissions_are_least_and_no_secret_is_used():
    for path in WORKFLOWS:
        workflow = read(path)
        assert workflow["permissions"] == {}
        assert "secrets." not in path.read_text(encoding="utf-8")
        assert "pull_request_target" not in workflow["on"]
        for name, job in workflow["jobs"].items():
            more = {key for key, value in job["permissions"].items() if value == "write"}
            allowed = {"publish": {"pages", "id-token"}, "notebooks": {"contents"}}
            assert more == allowed.get(name, set()), name
    # What may write to the repository gets files of another job, and no code.
    steps = CI["jobs"]["notebooks"]["steps"]
    assert [step.get("uses", "git").partition("@")[0] for step in steps] == [
        "actions/download-artifact",
        "git",
    ]
    commands = re.sub(r"\\\n *", "", steps[1]["run"]).strip().split("\n")
    assert all(line.startswith("git ") for line in commands)
    assert "github.ref == 'refs/heads/main'" in CI["jobs"]["publish"]["if"]


def test_a_missing_gpu_is_told_and_a_gpu_never_runs_a_fork():
    here, gone = CI["jobs"]["gpu"]["if"], CI["jobs"]["no-gpu"]["if"]
    table = [
        # GPU_RUNNER, event, from a fork
        ("", "push", False),
        ("gpu", "push", False),
        ("gpu", "pull_request", False),
        ("gpu", "pull_request", True),
        ("", "pull_request", True),
    ]
    for runner, event, fork in table:
        runs, told = (_decide(text, runner, event, fork) for text in (here, gone))
        assert runs != told, (runner, event, fork)
        assert runs == (runner != "" and not fork)
    said = " ".join(step["run"] for step in CI["jobs"]["no-gpu"]["steps"])
    assert "::warning" in said and "GITHUB_STEP_SUMMARY" in said


def _decide(expression: str, runner: str, event: str, fork: bool) -> bool:
    """GitHub's expression, which Python can read once its operators are spelled out."""
    text = EXPRESSION.fullmatch(expression.strip())[1]
    values = {
        "vars.GPU_RUNNER": repr(runner),
        "github.event_name": repr(event),
        "github.event.pull_request.head.repo.full_name": repr("b/b" if fork else "a/a"),
        "github.repository": repr("a/a"),
    }
    for name, value in values.items():
        text = text.replace(name, value)
    assert re.fullmatch(r"[\w\s/'=!&|()]*", text), text
    return eval(text.replace("&&", " and ").replace("||", " or ").replace("\n", " "))


def test_a_gpu_that_keeps_its_checkout_keeps_one_for_each_kind_of_event():
    """Records of a pull request are made by code that main may never have."""
    checkout, run, upload = CI["jobs"]["gpu"]["steps"]
    assert checkout["with"]["clean"] is False
    of_event = "${{ github.event_name }}"
    assert checkout["with"]["path"] == run["working-directory"] == of_event
    assert all(line.startswith(f"{of_event}/") for line in upload["with"]["path"].split("\n")[:-1])
    hosted = [job for name, job in CI["jobs"].items() if name != "gpu"]
    assert all("ubuntu" in str(job["runs-on"]) or "matrix" in job["runs-on"] for job in hosted)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_the_first_push_and_a_forced_one_are_published_as_any_other(workflow):
    """Nothing is compared with the commit before a push: it may not be there."""
    text = workflow.read_text(encoding="utf-8")
    assert "event.before" not in text and "event.forced" not in text
    for job in read(workflow)["jobs"].values():
        for step in job["steps"]:
            compared = "make --silent pictures" in step.get("run", "")
            assert not compared or step["if"] == "${{ steps.main.outputs.cache-matched-key }}"


def test_the_site_waits_for_every_job_and_snippets_run_on_every_system():
    site, systems = CI["jobs"]["site"], CI["jobs"]["cpu"]["strategy"]["matrix"]["include"]
    assert set(site["needs"]) == CI["jobs"].keys() - {"site", "publish", "notebooks"}
    pythons = [on["python"] for on in systems if "linux" in on["name"]]
    assert pythons == ["3.11", "3.14"]
    assert {on["runner"].partition("-")[0] for on in systems} == {
        "ubuntu",
        "macos",
        "windows",
    }


# The job graph, run here -------------------------------------------------------------------------


class Machine:
    """A clean clone in which a job's steps run, artifacts and caches being folders."""

    def __init__(self, root: Path, store: Path) -> None:
        self.root, self.store, self.summary = root, store, root.parent / f"{root.name}.md"
        self.outputs: dict[str, str] = {}
        root.mkdir()
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True, text=True).stdout
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, root / name)
        self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "a clone")
        # Stands for what `make install` would make anew; as it is newer, make leaves it alone.
        for installed in (".venv", "node_modules"):
            (root / installed).symlink_to(ROOT / installed, target_is_directory=True)
        rule = re.search(r"^\$\(READY\): (.*)$", (root / "Makefile").read_text(), re.MULTILINE)
        for name in rule[1].split():
            os.utime(root / name, (0, 0))

    def git(self, *command: str) -> None:
        subprocess.run(["git", *command], cwd=self.root, check=True, capture_output=True)

    def do(self, job: str, values: dict[str, str], flags: str = "", **environment: str) -> None:
        """Run the steps of a job in order. values: of every expression that the job uses."""
        content = CI["jobs"][job]
        given = {name: self.fill(text, values) for name, text in content.get("env", {}).items()}
        known = {name: value for name, value in os.environ.items() if name != "DEVICE"}
        for step in content["steps"]:
            if "if" in step and not values[self.expression(step["if"])]:
                continue
            if "run" in step:
                done = subprocess.run(
                    ["bash", "-ec", step["run"]],
                    cwd=self.root / self.fill(step.get("working-directory", ""), values),
                    env={
                        **known,
                        **given,
                        **environment,
                        "MAKEFLAGS": flags,
                        "GITHUB_STEP_SUMMARY": str(self.summary),
                    },
                    capture_output=True,
                    text=True,
                )
                said = f"{step['run']}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
                assert done.returncode == 0, said
                assert "npm" not in done.stdout and "pip" not in done.stdout, said
            else:
                action = step["uses"].partition("@")[0]
                options = {k: self.fill(str(v), values) for k, v in step.get("with", {}).items()}
                ACTIONS[action](self, options)

    @staticmethod
    def expression(text: str) -> str:
        return re.sub(r"\s+", " ", EXPRESSION.fullmatch(text.strip())[1])

    @staticmethod
    def fill(text: str, values: dict[str, str]) -> str:
        return EXPRESSION.sub(lambda found: values[re.sub(r"\s+", " ", found[1])], str(text))

    def cache(self, options: dict) -> None:
        """What a key that was found brings."""
        for name in options["path"].split():
            target = self.root / name
            if (self.store / "cache" / name).is_dir() and not target.exists():
                shutil.copytree(self.store / "cache" / name, target)

    def upload(self, options: dict) -> None:
        """Files that match, below the folder that the patterns share."""
        for pattern in options["path"].split():
            base = Path(*(part for part in Path(pattern).parts if "*" not in part))
            inner = Path(pattern).relative_to(base).as_posix()
            files = self.root.glob(pattern) if "*" in pattern else (self.root / base).rglob("*")
            for file in files:
                if file.is_file() and (inner == "." or fnmatch(file.name, Path(inner).name)):
                    target = self.store / options["name"] / file.relative_to(self.root / base)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, target)

    def download(self, options: dict) -> None:
        shutil.copytree(self.store / options["name"], self.root / options["path"])


ACTIONS = {
    "actions/checkout": lambda machine, options: None,
    "actions/setup-python": lambda machine, options: None,
    "actions/cache": Machine.cache,
    "actions/cache/restore": Machine.cache,
    "actions/upload-artifact": Machine.upload,
    "actions/download-artifact": Machine.download,
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The jobs cpu, gpu (the CPU standing for it) and site, each in a clean clone.

    The cache has the records of this working tree, of every section but one.
    """
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone: there is no list of the files that belong to it")
    place = tmp_path_factory.mktemp("jobs")
    store, project = place / "store", Project(ROOT)
    leave_out = shutil.ignore_patterns("work", ".lock", "printed.txt")
    programs = [program.name for of_cell in project.variants.values() for program in of_cell]
    for name in [*project.sections, *programs]:
        folders = [store / "cache" / "build" / "main" / "cpu" / name]
        if name != "index":
            folders.append(store / "cache" / "build" / "cpu" / name)
        for folder in folders:
            shutil.copytree(ROOT / "build" / "cpu" / name, folder, ignore=leave_out)
    cpu = Machine(place / "cpu", store)
    cpu.do(
        "cpu",
        {
            "matrix.target": "snippets",
            "matrix.images": os.environ.get("CIFAR10_DIR", ""),
            "matrix.name": "linux-3.11",
            "matrix.python": PYTHON,
            "runner.os": "Linux",
            "hashFiles('snippets/**/*.py', 'tutorial/**/*.py', '*.txt')": "0",
            "!cancelled() && matrix.name == 'linux-3.11'": "yes",
        },
    )
    gpu = Machine(place / "gpu", store)
    # DEVICE=cpu on make's command line stands for the second device, whose folder is build/cuda.
    os.symlink("cuda", _made(gpu.root / "build") / "cpu")
    (gpu.root / "build" / "cuda").mkdir()
    gpu.do(
        "gpu",
        {
            "vars.GPU_PYTHON || 'python3'": sys.executable,
            "vars.GPU_CIFAR10_DIR": os.environ.get("CIFAR10_DIR", ""),
            "github.event_name": ".",  # the folder of the checkout
            "!cancelled()": "yes",
        },
        flags="DEVICE=cpu SECTIONS=index",
    )
    site = Machine(place / "site", store)
    site.do("site", SITE, flags="TESTS=tests/test_text.py")
    return cpu, gpu, site


SITE = {
    "vars.SITE_URL || format('https://{0}.github.io/{1}/', github.repository_owner,"
    " github.event.repository.name)": "https://example.org/site/",
    "github.server_url": "https://example.org",
    "github.repository": "a/a",
    "github.event_name == 'push' && '1' || ''": "",
    "needs.gpu.result == 'success'": "yes",
    "github.event_name == 'pull_request'": "yes",
    "github.event_name == 'push'": "",
    "github.event.pull_request.base.sha": "0",
    "steps.main.outputs.cache-matched-key": "pictures-0",
}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_the_site_is_built_from_the_artifacts_of_both_devices_alone(ran):
    _, _, site = ran
    page = (site.root / "build" / "site" / "index.html").read_text(encoding="utf-8")
    summaries = re.findall(r'<details class="run-record"><summary>(.*?)</summary>', page)
    assert len(summaries) == 3
    for summary in summaries:
        assert re.search(r"\bCPU\b.*\bGPU\b", summary), summary
    assert (site.root / "build" / "site" / "tensors.html").is_file()
    assert not list((site.root / "build").glob("*/*/work")), "something was executed"


def test_each_cell_is_executed_in_one_job_and_judged(ran):
    cpu, gpu, _ = ran
    assert len(list((cpu.root / "build" / "cpu" / "index").glob("*.json"))) == 3
    ran_here = {path.parent.name for path in (cpu.root / "build" / "cpu").glob("*/work")}
    assert ran_here == {"index"}, "a cached section ran again"
    assert list((gpu.root / "build" / "cuda" / "index").glob("*.json"))


def test_the_summary_tells_of_pictures(ran):
    _, _, site = ran
    text = site.summary.read_text(encoding="utf-8")
    # Those of the CPU are in the cache of main; of the other device, none have been before.
    assert text == "- `cuda/index/spirals-light.webp`: new\n"


def test_a_record_of_other_code_is_refused(ran):
    _, _, site = ran
    script = site.root / "snippets" / "index.py"
    before = script.read_text(encoding="utf-8")
    built = (site.root / "build" / "site" / "index.html").read_bytes()
    script.write_text(before.replace("range(301)", "range(302)"), encoding="utf-8")
    done = subprocess.run(["make", "assemble"], cwd=site.root, capture_output=True, text=True)
    script.write_text(before, encoding="utf-8")
    assert done.returncode != 0
    assert "build/cpu/index/spirals.json: stale" in done.stderr
    assert "build/cuda/index/spirals.json: stale" in done.stderr
    assert "make run SECTIONS=index" in done.stderr and "Traceback" not in done.stderr
    assert (site.root / "build" / "site" / "index.html").read_bytes() == built
