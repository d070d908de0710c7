"""What the page's service worker keeps of a city, in a browser that Node.js plays: the order of
events is as the test wants it."""

import hashlib
import json

from page_reader import needs_node, run_node
from workflow_runs import ROOT

pytestmark = needs_node


def case(name):
    run = run_node(ROOT / "page" / "tests" / "keep_files.js", name)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_two_tabs_with_two_versions_leave_one_that_is_whole():
    found = case("two_tabs")
    assert found == {"first": True, "said": [True, False], "versions": 1, "offline": "200 new"}


def test_the_old_version_leaves_what_is_there_of_a_newer_one():
    found = case("newer_in_part")
    assert found == {
        "said": [False, True, True],
        "fetched": ["late.json", "city.json"],
        "versions": 1,
    }


def test_a_server_that_refuses_the_manifest_is_heard_and_the_kept_one_is_there():
    assert case("refused") == {"newest": "410 gone", "kept": "200 old"}


def test_where_nothing_is_kept_a_slow_server_is_waited_for():
    assert case("nothing_kept") == {"slow": "200 slow", "busy": "503 busy"}


def test_a_city_in_a_folder_of_another_has_its_own_manifest():
    assert case("folder_within") == {"own": "200 outer", "within": "left to the browser"}


DIGEST = hashlib.sha256(b"newer.pvmap").hexdigest()


def test_what_cannot_be_kept_is_told_with_the_reason():
    found = case("no_room")
    assert {each["kind"] for each in found.values()} == {"kept"}
    said = {name: (each["whole"], each["older"], each["reason"]) for name, each in found.items()}
    assert said == {
        "nothing": (False, False, "the browser has no room for it"),
        "old": (True, False, ""),
        "older": (False, True, "the browser has no room for it"),
        "gone": (
            False,
            True,
            f"https://host/city/newer.pvmap?sha256={DIGEST}: none, or another file",
        ),
        "insecure": (False, False, "The operation is insecure."),
    }
