# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Training from clicks on a real server: sent by several clients, started, watched, stopped, taken up, and served."""

from __future__ import annotations

import json
import time

import numpy as np
import psutil
import pytest

pytestmark = pytest.mark.slow

POINTS = [[60, 25], [120, 60], [135, 60], [170, 100], [20, 90]]  # of the scene, px, centres at integers
FINE = [[2 * x + 0.5, 2 * y + 0.5] for x, y in POINTS]  # of the same scene at twice as many px
TRAINER = "nuclei_from_clicks"


def asap(points):
    """Dots as ASAP measures them, from the corner."""
    dots = (
        f'<Annotation Name="{n}" Type="Dot" PartOfGroup="nuclei" Color="#F4FA58"><Coordinates>'
        f'<Coordinate Order="0" X="{x + 0.5}" Y="{y + 0.5}"/></Coordinates></Annotation>'
        for n, (x, y) in enumerate(points)
    )
    return f'<?xml version="1.0"?><ASAP_Annotations><Annotations>{"".join(dots)}</Annotations></ASAP_Annotations>'


def dsa(points):
    elements = [{"type": "point", "center": [x + 0.5, y + 0.5, 0]} for x, y in points]
    return json.dumps({"name": "clicks", "elements": elements})


def table(points):
    return "x,y\n" + "".join(f"{x},{y}\n" for x, y in points)


def put(server, name, filename, text):
    return server.send("PUT", "/datastore/label", {"params": "{}"}, {"label": (filename, text.encode())}, image=name)


def wait(server, until, seconds=800):
    """The status of training, once it is as wanted."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        status = server.ask("GET", "/train/").json
        if until(status):
            return status
        time.sleep(0.5)
    raise TimeoutError(f"training: {status}")


def start(server, seconds=300, **request):
    """Begin a training; a process that has just ended is let go of first."""
    end = time.monotonic() + seconds
    while (answer := server.ask("POST", f"/train/{TRAINER}", request)).status == 429 and time.monotonic() < end:
        time.sleep(0.2)
    assert answer.status == 200


def test_clicks_laid_into_the_folder_before_the_start_are_there(server):
    answer = server.ask("GET", "/datastore/label", label="scene", tag="final")
    assert answer.status == 200 and answer.content.decode().startswith("x,y\n")


def test_clicks_take_the_place_of_those_before_and_a_mask_does_not(server):
    kept = server.studies / "labels" / "final"
    for filename, text in (("a.xml", asap(POINTS)), ("a.csv", table(POINTS)), ("a.nrrd", "a mask")):
        assert put(server, "again", filename, text).status == 200
    assert sorted(path.name for path in kept.glob("again.*")) == ["again.csv", "again.nrrd"]
    assert server.ask("DELETE", "/datastore/label", id="again", tag="final").status == 200  # the mask
    assert server.ask("GET", "/datastore/label", label="again", tag="final").content.decode() == table(POINTS)
    assert server.ask("DELETE", "/datastore/label", id="again", tag="final").status == 200
    assert server.ask("GET", "/datastore/label", label="again", tag="final").status == 404


def test_clicks_are_counted_when_they_come_and_refused_when_they_are_damaged(server):
    assert put(server, "again", "a.xml", asap(POINTS)).json["points"] == len(POINTS)
    assert put(server, "fine", "a.json", dsa(FINE)).json["points"] == len(POINTS)
    assert put(server, "scene", "a.csv", table(POINTS)).json == {
        "image": "scene",
        "label": "scene",
        "points": len(POINTS),
        "outlines": 0,
    }
    for filename, text, message in (
        ("a.csv", "x,y\n1,here\n", "label of scene, line 2: y is 'here'"),
        ("a.xml", '<!DOCTYPE a [<!ENTITY b "c">]><ASAP_Annotations/>', "label of scene: has a document type"),
        ("a.json", "{", "label of scene: is no whole JSON"),
    ):
        answer = put(server, "scene", filename, text)
        assert answer.status == 400 and message in answer.detail
    answer = put(server, "nobody", "a.csv", table(POINTS))
    assert answer.status == 404 and "there is no image 'nobody' on this server" in answer.detail
    assert server.ask("GET", "/datastore/").json["completed"] == 3
    for strategy in ("first", "doubt"):
        assert server.ask("POST", f"/activelearning/{strategy}", {}).json["id"] == "slide"  # the one without clicks


@pytest.mark.timeout(1800)
def test_training_is_watched_stopped_taken_up_and_served(server):
    start(server, preset="gigantic")  # it begins, and ends with one clear line
    status = wait(server, lambda status: status["status"] not in ("SUBMITTED", "RUNNING"))
    assert status["status"] == "ERROR" and "error: preset is 'gigantic': choose one of" in status["details"][-1]

    start(server)
    wait(server, lambda status: status["status"] == "RUNNING")
    assert server.ask("POST", f"/train/{TRAINER}", {}).status == 429  # one at a time
    wait(server, lambda status: any("stage 1 of 4" in line for line in status.get("details", ())))
    pipelines = [each for each in psutil.Process(server.process.pid).children(recursive=True) if is_pipeline(each)]
    assert len(pipelines) == 1
    assert server.ask("DELETE", "/train/").json["status"] == "STOPPED"
    psutil.wait_procs(pipelines, timeout=90)  # on a busy machine
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in pipelines)
    stopped = server.ask("GET", "/info/").json["train_stats"][TRAINER]
    assert stopped["epoch"] < stopped["total_epochs"] == 12 and "total_time" not in stopped

    start(server)
    seen = set()

    def done(status):
        seen.add(server.ask("GET", "/info/").json["train_stats"][TRAINER]["epoch"])
        return status["status"] not in ("SUBMITTED", "RUNNING")

    assert wait(server, done)["status"] == "DONE"
    info = server.ask("GET", "/info/").json
    stats = info["train_stats"][TRAINER]
    assert stats["run"] == stopped["run"] and stats["epoch"] == stats["total_epochs"] and stats["total_time"] > 0
    assert set(stats["stages"].values()) == {"done"} and any(0 < epoch < 12 for epoch in seen)
    assert sorted(info["models"]) == ["nuclei", TRAINER] and info["labels"] == ["nuclei"]
    answer = server.send("POST", f"/infer/{TRAINER}", {}, {}, image="scene", output="json")
    assert answer.status == 200 and answer.json["label_names"] == {"nuclei": 1}
    run = server.studies / "nuclei_training" / stats["run"]
    for name, points in (("again", POINTS), ("fine", FINE), ("scene", POINTS)):  # of ASAP, DSA and a table
        clicked = np.loadtxt(run / "data" / "points" / f"{name}.csv", delimiter=",", skiprows=1)
        assert np.array_equal(clicked, points)
    assert (run / "results" / "report" / "index.html").is_file()


def is_pipeline(process):
    return "scripts.pipeline" in process.cmdline()
