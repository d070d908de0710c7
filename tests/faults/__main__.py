"""`make faults FAULTS=300 SEED=1`: what a study does under faults, as a table by kind."""

import argparse
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from faults.campaign import Campaign
from faults.mounts import become_alone
from faults.reduced import STUDIES, Reduced
from faults.study import Reference


def main() -> int:
    parser = argparse.ArgumentParser("python -m faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--study", choices=STUDIES, default="plain", help="see faults/reduced.py")
    parser.add_argument("--folder", type=Path, help="for all files; a temporary one without")
    parser.add_argument("--reference", type=Path, help="a clone in which another study has run")
    parser.add_argument("--config", type=Path, help="of the study that has run there")
    parser.add_argument("--rules", nargs="+", help="whose jobs are disturbed")
    parser.add_argument("--report", type=Path, help="a JSON file to write")
    parser.add_argument("--targets", nargs="+", help="what is made")
    arguments = parser.parse_args()
    become_alone([sys.executable, "-m", "faults", *sys.argv[1:]])
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        prepared = (
            nullcontext(Reduced(arguments.config))
            if arguments.reference
            else STUDIES[arguments.study](folder)
        )
        with prepared as study:
            asked = {name: vars(arguments)[name] for name in ("rules", "targets")}
            study = replace(study, **{name: tuple(each) for name, each in asked.items() if each})
            there = arguments.reference
            if there is None:
                there = folder / "undisturbed"
                study.run_undisturbed(there)
            reference = Reference.of(there.resolve(), study.name, study.targets)
            campaign = Campaign(folder, study, reference, arguments.seed)
            report = campaign.run(arguments.faults)
    if arguments.report:
        report.write(arguments.report)
    print(report.table())
    return int(bool(report.wrong) or any(fault.wrong for fault in report.faults))


if __name__ == "__main__":
    sys.exit(main())
