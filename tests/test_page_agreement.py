"""Real photographs in the page and in Python: the same descriptors, the same answers."""

import tarfile

from page_agreement import answers, cosines
from page_worker import page_worker
from test_packed_page import served
from test_page_browser import opened  # noqa: F401
from test_page_browser import pytestmark as needed

import pocketvlad

pytestmark = needed

COUNT = 10


def test_real_photographs_are_described_as_in_python(opened, few_files, real_data):  # noqa: F811
    folder = few_files / "photographs"
    folder.mkdir()
    with tarfile.open(real_data / "oxford_images.tar") as tar:
        members = [each for each in tar if each.isfile()]
        for member in members[:: len(members) // COUNT][:COUNT]:
            (folder / member.name.split("/")[-1]).write_bytes(tar.extractfile(member).read())
    paths = sorted(folder.iterdir())
    pocketvlad.pack(pocketvlad.load("small.pvlad"), folder, few_files / "real")
    with (
        pocketvlad.load(few_files / "real") as city,
        served(few_files / "real") as address,
        page_worker(opened, address) as worker,
    ):
        assert len(paths) == COUNT
        assert cosines(city, worker, paths).min() > 0.9999
        asked = [(path, (50.5, 20, 400, 330.25)) for path in paths]
        told = answers(city, worker, asked)
        assert told.same.all()
        assert told.same_other.all()
