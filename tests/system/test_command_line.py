# SPDX-License-Identifier: Apache-2.0
"""sluice as a command: what it checks, what it prints, how it ends. Starts no port that touches an interface."""
import subprocess
import time

import pytest
from conftest import ROOT, SLUICE, telemetry, write_config


def sluice(*words, timeout=60):
    return subprocess.run([SLUICE, *map(str, words)], capture_output=True, text=True, timeout=timeout)


def test_check_says_ok(tmp_path):
    done = sluice("--check", "--config", write_config(tmp_path))
    assert (done.returncode, done.stdout.strip()) == (0, "ok")


EXAMPLES = [*(ROOT / "config/examples").glob("*.yaml"), *(ROOT / "perf").glob("*/sluice*.yaml")]


@pytest.mark.parametrize("example", sorted(EXAMPLES), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_every_example_is_valid(example):
    done = sluice("--check", "--config", example)
    assert done.returncode == 0, done.stderr + done.stdout


def test_every_mistake_is_told_with_its_place(tmp_path):
    config = write_config(tmp_path)
    text = config.read_text().replace("mode: balanced", "mod: balanced").replace("198.19.0.1/24", "198.18.0.7/24")
    config.write_text(text.replace("example.test.zone }", "missing.zone }"))
    done = sluice("--check", "--config", config)
    out = done.stdout + done.stderr
    assert done.returncode == 2
    assert f"{config}:1:" in out and "mode" in out       # the unknown key, with the nearest valid one
    assert "198.18.0" in out and "overlap" in out
    assert "missing.zone" in out


def test_a_zone_with_a_mistake_is_told_with_its_place(tmp_path):
    config = write_config(tmp_path)
    zone = tmp_path / "example.test.zone"
    zone.write_text(zone.read_text() + "bad IN A 1.2.3\n")
    done = sluice("--check", "--config", config)
    assert done.returncode == 2
    assert f"{zone}:{len(zone.read_text().splitlines())}:" in done.stdout + done.stderr


def test_a_bad_configuration_starts_nothing(tmp_path):
    config = tmp_path / "bad.yaml"
    config.write_text("ports: 7\n")
    done = sluice("--config", config)
    assert done.returncode == 2 and f"{config}:1:" in done.stdout + done.stderr


def test_a_missing_file_is_told(tmp_path):
    done = sluice("--config", tmp_path / "none.yaml")
    assert done.returncode == 2 and "none.yaml" in done.stderr + done.stdout


def test_the_printed_configuration_is_a_configuration(tmp_path):
    done = sluice("--print-config", "--config", write_config(tmp_path))
    assert done.returncode == 0 and "mode: balanced" in done.stdout
    again = tmp_path / "again.yaml"
    again.write_text(done.stdout)
    second = sluice("--print-config", "--config", again)
    assert second.stdout == done.stdout


@pytest.mark.parametrize("word, wanted", [("--version", "sluice 0."), ("--help", "--check"), ("--print-schema", '"$schema"')])
def test_it_says_what_it_is(word, wanted):
    done = sluice(word)
    assert done.returncode == 0 and wanted in done.stdout


def test_an_unknown_word_is_refused():
    done = sluice("--chekc")
    assert done.returncode not in (0, 2) or "chekc" in done.stderr + done.stdout


def test_memory_that_is_too_small_is_told_and_nothing_starts(tmp_path):
    config = write_config(tmp_path, device="null", extra="memory: { hugepages: off, megabytes: 64, chunks: 200000 }")
    config.write_text(config.read_text().replace("null: sluice-lan", "null: 0").replace("null: sluice-wan", "null: 0"))
    done = sluice("--config", config)
    assert done.returncode == 1
    assert "memory" in done.stderr and "ready" not in done.stdout


def test_a_site_that_could_not_be_served_is_told_by_check(tmp_path):
    config = write_config(tmp_path)
    (tmp_path / "www/out").symlink_to("/etc/hostname")
    done = sluice("--check", "--config", config)
    assert done.returncode == 2 and "www/out: symbolic link leads out of" in done.stderr


def test_stages_are_measured_when_asked(tmp_path):
    config = tmp_path / "stages.yaml"
    config.write_text("workers: { cores: [0], mode: efficient }\nmemory: { hugepages: off }\n"
                      "ports:\n  - { name: lan, device: { null: \"8\" }, addresses: [198.18.0.1/24] }\n")
    process = subprocess.Popen([SLUICE, "--config", config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert any("sluice: ready" in line for line in iter(process.stdout.readline, ""))
        before = telemetry(process.pid, "/sluice/stages")
        assert before["measured"] == "off" and before["worker_0"]["link_cycles"] == 0
        telemetry(process.pid, "/sluice/stages,on")
        time.sleep(0.2)
        during = telemetry(process.pid, "/sluice/stages,off")
        time.sleep(0.1)
        after = telemetry(process.pid, "/sluice/stages")
        assert during["worker_0"]["rx_items"] > 0 and during["worker_0"]["link_cycles"] > 0
        assert after["measured"] == "off"
        time.sleep(0.1)
        assert telemetry(process.pid, "/sluice/stages")["worker_0"] == after["worker_0"]
        assert telemetry(process.pid, "/sluice/stages,perhaps") is None
    finally:
        process.terminate()
        process.wait(timeout=30)
