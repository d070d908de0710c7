"""Many faults, drawn by a seed, one after the other in a study that goes on after each."""

import json
import shutil
import subprocess
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from faults.kinds import Kind, all_kinds
from faults.mounts import alone, mount_disk
from faults.reduced import Reduced
from faults.study import NotSurvivedError, Reference, Study

_MEGABYTES = 400  # of the disk that can be full
_A_STUDY = 40  # faults, at most, before the study is made from nothing again
_IDLE = 5  # studies one after the other in which nothing could be injected


@dataclass(frozen=True)
class Fault:
    """One that was injected.  wrong: what followed and must not; "" where it was survived."""

    kind: str
    rule: str
    what: str
    seconds: float
    wrong: str = ""


@dataclass
class Report:
    """What a campaign came to.  skipped: kinds that this machine has no means for, and why."""

    seed: int
    faults: list[Fault] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    studies: int = 0
    missed: list[str] = field(default_factory=list)
    """What was drawn, and found no job to disturb in several studies."""
    wrong: list[str] = field(default_factory=list)
    """Of studies that went on to their end after all faults, and did not come to what they must."""

    def table(self) -> str:
        lines = [f"{'kind':34} {'injected':>8} {'survived':>8}"]
        kinds = sorted({fault.kind for fault in self.faults})
        for kind in kinds:
            of_kind = [fault for fault in self.faults if fault.kind == kind]
            lines.append(f"{kind:34} {len(of_kind):8} {sum(not f.wrong for f in of_kind):8}")
        lines.append(
            f"{'all':34} {len(self.faults):8} {sum(not each.wrong for each in self.faults):8}"
        )
        lines += [f"{kind:34} skipped: {reason}" for kind, reason in self.skipped.items()]
        lines += [f"not injected: {each}" for each in self.missed]
        # What was done begins with the rule: "train_model killed".
        killed = {f.what.split()[0] for f in self.faults if f.what.endswith(" killed")}
        lines.append(f"seed {self.seed}; rules with a job killed: {len(killed)}")
        return "\n".join(
            [*lines, f"studies made to their end, equal to an undisturbed one: {self.studies}"]
        )

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1))


def drawn(count: int, kinds: Sequence[Kind], rules: Sequence[str], rng: Random) -> list:
    """(kind, rule) of each fault: every kind, and every rule's jobs killed, as soon as the count
    allows it."""
    found: list[tuple[Kind, str]] = []
    deck: list[str] = []
    while sum(kind.faults for kind, _ in found) < count:
        round_of = [kind for kind in kinds for _ in range(kind.times)]
        for kind in rng.sample(round_of, len(round_of)):
            fitting = [rule for rule in kind.rules or rules if rule in rules]
            if kind.every_rule:
                deck = deck or rng.sample(rules, len(rules))
                found.append((kind, deck.pop()))
            elif fitting:
                found.append((kind, rng.choice(fitting)))
    while sum(kind.faults for kind, _ in found[:-1]) >= count:
        found.pop()
    return found


@dataclass
class Campaign:
    """
    folder: for all that is written.  reference: of the study, made undisturbed.
    """

    folder: Path
    reduced: Reduced
    reference: Reference
    seed: int

    @property
    def rules(self) -> Sequence[str]:
        """Those whose jobs are disturbed."""
        return self.reduced.rules or self.reference.rules

    def run(self, count: int) -> Report:
        """Inject so many faults, or a few more where several come at once."""
        report, rng = Report(self.seed), Random(self.seed)
        kinds = []
        for kind in all_kinds():
            if reason := kind.lacking():
                report.skipped[kind.name] = reason
            else:
                kinds.append(kind)
        # More than that, since some will find no job.
        waiting, idle = drawn(2 * count, kinds, self.rules, rng), 0
        while waiting and len(report.faults) < count:
            now, waiting = waiting[:_A_STUDY], waiting[_A_STUDY:]
            # Rules come one after the other; what has come too late waits for the next study.
            now.sort(key=lambda each: self.reference.rules.index(each[1]))
            before = len(report.faults)
            missed = self._one_study(now, count, report, rng)
            idle = 0 if len(report.faults) > before else idle + 1
            if idle == _IDLE:
                report.missed = [f"{kind.name} in {rule}" for kind, rule in missed + waiting]
                break
            # A job of another rule may be met where one of this rule was not.
            waiting = [self._again(each, rng) for each in missed] + waiting
        return report

    def _again(self, fault: tuple, rng: Random) -> tuple:
        kind, _ = fault
        return fault if kind.is_bound else (kind, rng.choice(self.rules))

    def _still_to_come(self, study: Study, kind: Kind, rule: str, rng: Random) -> str | None:
        """The rule that was drawn if it has jobs left, or another one that has, if any will do."""
        if study.has_left(rule):
            return rule
        if kind.is_bound:
            return None
        left = [each for each in self.rules if study.has_left(each)]
        return rng.choice(left) if left else None

    def _one_study(self, faults: list, count: int, report: Report, rng: Random) -> list:
        """Make the study under these faults until there are `count`, then to its end; returns those
        that found no job."""
        study, missed = self._clone(report.studies), []
        try:
            for place, (kind, drawn_rule) in enumerate(faults):
                if len(report.faults) >= count:
                    break
                rule = self._still_to_come(study, kind, drawn_rule, rng)
                if rule is None:
                    missed.append((kind, drawn_rule))
                    continue
                begin, wrong, found = time.monotonic(), "", []
                try:
                    study.aim(rule, rng)
                    found = kind.inject(study, rule, rng)
                    study.check_files()
                    study.check_epochs()
                except NotSurvivedError as error:
                    wrong = str(error)
                except Exception:
                    wrong = traceback.format_exc()
                seconds = round(time.monotonic() - begin, 1)
                for what in found or ([rule] if wrong else []):
                    report.faults.append(Fault(kind.name, rule, what, seconds, wrong))
                    print(f"{kind.name}: {what} ({seconds} s) {wrong}", flush=True)
                if not found and not wrong:
                    missed.append((kind, rule))
                if wrong:  # all that follows would be about this one
                    return missed + faults[place + 1 :]
            self._finish(study, report)
        finally:
            study.kill_all()
            self._remove(study)
        return missed

    def _finish(self, study: Study, report: Report) -> None:
        study.aimed = ()
        try:
            with study.run() as run:
                status, text = run.wait()
            if status:
                raise NotSurvivedError(f"the study does not come to its end:\n{text[-3000:]}")
            study.check_epochs()
            study.check_all()
        except NotSurvivedError as error:
            report.wrong.append(str(error))
            print(f"at the end: {error}", flush=True)
        else:
            report.studies += 1
            print("the study is that of an undisturbed run", flush=True)

    def _clone(self, number: int) -> Study:
        folder = self.folder / "clone"
        folder.mkdir(parents=True)
        if alone():
            mount_disk(folder, _MEGABYTES)
        self.reduced.write_clone(folder)
        return Study(folder, self.reduced.name, self.reference, self.reduced.targets)

    def _remove(self, study: Study) -> None:
        if alone():
            subprocess.run(["umount", "-l", str(study.folder)], check=True)
        shutil.rmtree(study.folder)
