#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What perf/run computes, reads and prints, without measuring anything. Usage: bench_test.py ROOT"""
import contextlib
import io
import ipaddress
import json
import pathlib
import struct
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "perf"))

from bench import charts, linux_router, load, machine, main, peers, report, routes, rows, rows_packets, sluice, stats, write, zones  # noqa: E402
from bench.bench import Bench, Task  # noqa: E402
from bench.stats import BenchError, Case, Entry, Sample  # noqa: E402


def entry(name, kind, *values, **more):
    return Entry(name, kind, [Sample(v, [], dict(more)) for v in values])


class Stats(unittest.TestCase):
    def test_a_ratio_is_of_medians_and_says_which_is_better(self):
        ours, theirs = entry("a", "sluice", 10, 30, 20), entry("b", "peer", 5, 4, 100)
        self.assertEqual(stats.ratio(ours, theirs), 4)
        self.assertEqual(stats.ratio(ours, theirs, "less"), 0.25)
        self.assertIsNone(stats.ratio(entry("a", "sluice", 0), theirs))

    def test_the_range_of_a_ratio_pairs_what_was_measured_in_one_round(self):
        ours, theirs = entry("a", "sluice", 10, 30), entry("b", "peer", 5, 3)
        self.assertEqual(stats.ratio_range(ours, theirs), (2, 10))
        self.assertIsNone(stats.ratio_range(entry("a", "sluice"), theirs))

    def test_an_error_is_told_once(self):
        e = Entry("a", "peer", [Sample(1, ["x", "y"]), Sample(2, ["x"])])
        self.assertEqual(e.errors(), ["x", "y"])


class Contestant:
    def __init__(self, name, log, broken=""):
        self.name, self.kind, self.configuration, self.log, self.broken = name, "peer", f"{name} as it comes", log, broken

    def start(self, folder):
        self.log.append(f"start {self.name}")
        if self.broken == "start":
            raise BenchError("no such program")

    def stop(self):
        self.log.append(f"stop {self.name}")

    def pause(self):
        self.log.append(f"pause {self.name}")

    def resume(self):
        self.log.append(f"resume {self.name}")

    def measure(self):
        self.log.append(f"measure {self.name}")
        if self.broken == "measure":
            raise BenchError("it said nothing")
        return Sample(7)


def compete(*contestants, rounds=2):
    bench = Bench(pathlib.Path("."), rounds, 1, 0, False)
    with contextlib.redirect_stderr(io.StringIO()):
        return bench.compete(list(contestants), [Task("case", "x/s", {c: c.measure for c in contestants})])[0]


class Turns(unittest.TestCase):
    def test_contestants_take_turns_and_only_one_runs_at_a_time(self):
        log = []
        case = compete(Contestant("a", log), Contestant("b", log))
        turn = [f"{w} {c}" for c in "ab" for w in ("resume", "measure", "pause")]
        self.assertEqual(log, ["start a", "pause a", "start b", "pause b", *turn, *turn, "resume b", "stop b", "resume a", "stop a"])
        self.assertEqual([e.values() for e in case.entries], [[7, 7], [7, 7]])

    def test_what_does_not_start_says_why_is_stopped_and_the_others_go_on(self):
        log = []
        case = compete(Contestant("a", log, "start"), Contestant("b", log))
        self.assertIn("no such program", case.entries[0].missing)
        self.assertEqual(log[:2], ["start a", "stop a"])
        self.assertEqual(case.entries[1].values(), [7, 7])

    def test_what_cannot_be_measured_is_not_asked_again(self):
        log = []
        case = compete(Contestant("a", log, "measure"), rounds=3)
        self.assertEqual(log.count("measure a"), 1)
        self.assertEqual(case.entries[0].missing, "it said nothing")
        self.assertEqual(log[-1], "stop a")

    def test_everything_is_stopped_when_the_run_is_interrupted(self):
        log = []
        a, b = Contestant("a", log), Contestant("b", log)

        def interrupt():
            raise KeyboardInterrupt
        b.measure = interrupt
        with self.assertRaises(KeyboardInterrupt):
            compete(a, b)
        self.assertEqual(log[-4:], ["resume b", "stop b", "resume a", "stop a"])


    def test_what_was_just_starting_is_stopped_too(self):
        log = []
        a, b = Contestant("a", log), Contestant("b", log)

        def interrupt(folder):
            raise SystemExit
        b.start = interrupt
        with self.assertRaises(SystemExit):
            compete(a, b)
        self.assertEqual(log[-3:], ["stop b", "resume a", "stop a"])


class Reading(unittest.TestCase):
    def test_wrk(self):
        text = ("  Latency   Distribution\n     50%  668.00us\n     75%  1.1ms\n     90%    1.50ms\n     99%    2.00s\n"
                "  Socket errors: connect 0, read 3, write 0, timeout 0\nRequests/sec:  92782.11\n")
        s = peers.read_wrk(text)
        self.assertEqual((s.value, s.more), (92782.11, {"p50_us": 668, "p90_us": 1500, "p99_us": 2e6}))
        self.assertEqual(len(s.errors), 1)
        with self.assertRaises(BenchError):
            peers.read_wrk("unable to connect")

    def test_dnsperf(self):
        text = ("Statistics:\n  Queries sent: 10\n  Queries lost:         2 (20%)\n  Response codes:       NOERROR 6 (75.00%), NXDOMAIN 1 "
                "(12.50%), SERVFAIL 1 (12.50%)\n  Queries per second:   25140.388425\n  Average Latency (s):  0.006710 (min 0.1, max 0.2)\n")
        s = peers.read_dnsperf(text)
        self.assertEqual(s.value, 25140.388425)
        self.assertEqual(s.errors, ["1 answers SERVFAIL", "2 queries lost"])

    def test_sluice_load(self):
        told = {"per_second": 5e6, "octets_per_second": 100, "latency_ns": {"p50": 1000, "p99": 3000, "count": 9}, "sent": 200, "lost": 50,
                "errors": {"timeout": 3, "refused": 0}, "corrupted": 1,
                "generator": {"busy_share": 0.99, "ceiling_per_second": 6e6, "is_the_limit": True}}
        s = load.sample(json.dumps(told))
        self.assertEqual((s.value, s.errors), (5e6, ["3 timeout", "1 corrupted"]))
        self.assertEqual((s.more["p99_us"], s.more["lost_share"], s.more["generator_limits"]), (3, 0.25, 1))
        self.assertEqual(load.sample(json.dumps(told), "p99", 1e-3).value, 3)
        self.assertEqual(load.sample(json.dumps(told), "octets_per_second", 8).value, 800)
        for bad in ("", "{}"):
            with self.assertRaises(BenchError):
                load.sample(bad)

    def test_metrics(self):
        metrics = sluice.parse_metrics('# HELP x y\nx{a="1",worker="0"} 2\nx{a="1",worker="1"} 3\nx{a="2",worker="0"} 9\n')
        self.assertEqual(sluice.total(metrics, 'x{a="1"'), 5)
        self.assertIsNone(sluice.total(metrics, "z"))

    def test_a_rate_follows_from_busy_time_only_where_there_is_some(self):
        ours = sluice.Sluice("t", item="items")
        before, after = [(sluice.BUSY, 1.0), ("items", 100)], [(sluice.BUSY, 3.0), ("items", 1100)]
        s = Sample(1)
        ours._derive(s, before, after, 1, "items")
        self.assertAlmostEqual(s.more["busy_ns"], 2e6)
        self.assertAlmostEqual(s.more["full_core"], 500)
        for b, a in ((before, before), ([], []), (before, [(sluice.BUSY, 3.0)])):
            s = Sample(1)
            ours._derive(s, b, a, 1, "items")
            self.assertEqual(s.more, {})

    def test_a_peer_is_credited_with_the_core_it_did_not_use(self):
        s = peers.bound(Sample(65), {0: 0.65, 1: 1.0})
        self.assertAlmostEqual(s.more["full_core"], 100)
        self.assertNotIn("full_core", peers.bound(Sample(65), {0: 0.99, 1: 1.0}).more)


class Made(unittest.TestCase):
    def test_frames_have_right_checksums_and_are_as_long_as_sluice_loads(self):
        f = linux_router.frame(b"\2" * 6, b"\4" * 6, *map(ipaddress.ip_address, ("198.18.0.2", "32.0.0.1")), 1024)
        self.assertEqual(str(len(f) + 4), rows_packets.FRAMES[4])
        self.assertEqual(linux_router.checksum(f[14:34]), 0)
        self.assertEqual(struct.unpack("!H", f[16:18])[0], len(f) - 14)
        f = linux_router.frame(b"\2" * 6, b"\4" * 6, *map(ipaddress.ip_address, ("2001:2::2", "2a00::1")), 1024)
        self.assertEqual(str(len(f) + 4), rows_packets.FRAMES[6])
        self.assertEqual(struct.unpack("!H", f[18:20])[0], len(f) - 54)
        self.assertEqual(linux_router.checksum(f[22:54] + struct.pack("!II", len(f) - 54, 17) + f[54:]), 0)

    def test_zones_and_queries_fit_each_other(self):
        with tempfile.TemporaryDirectory() as d:
            folder = pathlib.Path(d)
            self.assertEqual(zones.write_zone(folder, 10).read_text().count(" IN A 10."), 10)
            asked = zones.write_queries(folder, 10).read_text().splitlines()
        self.assertEqual(len(asked), zones.QUERIES)
        missing = sum(q.startswith("missing") for q in asked) / len(asked)
        self.assertAlmostEqual(missing, zones.MISSES, delta=0.01)
        self.assertTrue(all(q.endswith(".example.test A") for q in asked))

    def test_routes_are_so_many_and_all_targets_have_one(self):
        self.assertEqual(routes.lines(4, 1), ["0.0.0.0/0 via 198.19.0.2"])
        self.assertEqual(routes.lines(6, 1), ["::/0 via 2001:2:0:1::2"])
        for family in (4, 6):
            lines = routes.lines(family, 500)
            self.assertEqual((len(lines), len(set(lines))), (500, 500))
        with tempfile.TemporaryDirectory() as d:
            four, six = (routes.targets(pathlib.Path(d), family, 500) for family in (4, 6))
        self.assertEqual(len(set(four)), routes.TARGET_COUNT)
        self.assertTrue(all(int(t) >> 29 == 1 for t in four), "in 32.0.0.0/3")
        self.assertEqual(len(six), routes.TARGET_COUNT)
        prefixes = {(int(n.network_address), n.prefixlen) for n in map(ipaddress.ip_network, (x.split()[0] for x in lines[1:]))}
        lengths = {length for _, length in prefixes}
        for t in six[:1000]:
            self.assertTrue(any((int(t) >> 128 - n << 128 - n, n) in prefixes for n in lengths), f"{t} lies in a prefix that is no default")


class Words(unittest.TestCase):
    def test_defaults_and_quick(self):
        self.assertEqual((main.arguments([]).rounds, main.arguments([]).rows), (5, list(rows.ROWS)))
        quick = main.arguments(["--quick"])
        self.assertEqual((quick.rounds, quick.seconds), (2, 0.5))
        self.assertFalse(rows.LONG & set(quick.rows))

    def test_named_rows_run_in_the_house_order_even_the_long_ones(self):
        self.assertEqual(main.arguments(["--quick", "tcp-loss", "dns"]).rows, ["dns", "tcp-loss"])

    def test_what_makes_no_sense_is_refused(self):
        for words in (["dsn"], ["--rounds", "-1"], ["--seconds", "0.01"]):
            said = io.StringIO()
            with contextlib.redirect_stderr(said), self.assertRaises(SystemExit):
                main.arguments(words)
            self.assertIn("perf/run: error:", said.getvalue())

    def test_an_unknown_row_is_told_with_the_known_ones(self):
        with self.assertRaisesRegex(ValueError, "no row 'dsn'; rows: forward, echo"):
            rows.chosen(["dsn"], False)


class Report(unittest.TestCase):
    CASES = [Case("HTTP", "requests/s", "more", [entry("sluice", "sluice", 800e3, 900e3, 850e3), entry("nginx", "peer", 85e3, full_core=100e3),
                                                 Entry("h2o", "peer", [], "does not start:\nno such file")])]

    def test_figures_are_short(self):
        for value, text in ((0.5, "0.5"), (99.97, "100"), (1234, "1,234"), (12345, "12.3 k"), (12.5e6, "12.5 M"), (999.7e6, "1,000 M"), (2e9, "2 G")):
            self.assertEqual(report.number(value), text)

    def test_a_table_has_ratios_and_every_error_and_hides_nothing(self):
        text = report.table(self.CASES)
        self.assertIn("| HTTP, requests/s | sluice | 850 k (800 k to 900 k) |", text)
        self.assertIn("| nginx | 85 k (85 k to 85 k) | 10; 8.5 of derived |", text)
        self.assertIn("| h2o | ERROR |  | does not start: no such file |", text)
        self.assertEqual(list(report.errors(self.CASES)), ["HTTP: h2o: does not start:\nno such file"])

    def test_a_derived_figure_is_a_median_of_all_rounds_also_those_with_a_full_core(self):
        e = Entry("nginx", "peer", [Sample(90), Sample(50, [], {"full_core": 100}), Sample(95)])
        self.assertEqual(report.derived(e), 95)
        self.assertIsNone(report.derived(entry("nginx", "peer", 90)))
        ours = entry("sluice", "sluice", 50, full_core=100, generator_limits=1.0)
        self.assertEqual(report.derived(ours), 100)
        self.assertIsNone(report.derived(entry("sluice", "sluice", 50, full_core=100, generator_limits=0.0)))

    def test_nothing_right_is_an_error(self):
        case = Case("HTTP", "requests/s", "more", [entry("sluice", "sluice", 0, 5)])
        self.assertEqual(list(report.errors([case])), ["HTTP: sluice: nothing succeeded in 1 of 2 rounds"])

    def test_json_there_and_back(self):
        told = json.loads(json.dumps(report.to_json({"cpu": "x"}, {}, {"http": self.CASES}, [])))
        self.assertEqual(report.from_json(told), {"http": self.CASES})

    def test_the_readme_keeps_what_stands_around_the_marks(self):
        text = f"before\n{write.BEGIN}\nold\n{write.END}\nafter\n"
        self.assertEqual(write.between(text, "new", "README"), f"before\n{write.BEGIN}\n\nnew\n\n{write.END}\nafter\n")
        with self.assertRaises(BenchError):
            write.between("no marks", "new", "README")

    def test_the_readme_of_this_tree_has_the_marks(self):
        for name in ("README.md", "perf/README.md"):
            self.assertIn("new", write.between((ROOT / name).read_text(), "new", name))

    def test_a_summary_sets_sluice_beside_the_peer_that_comes_closest(self):
        case = Case("HTTP", "requests/s", "more", [entry("sluice", "sluice", 100), entry("a", "peer", 10), entry("b", "peer", 50),
                                                   entry("l", "limit", 90)])
        self.assertEqual([(r, p.name) for _, r, p in charts.best_peers([case, Case("x", "y")])], [(2, "b")])


class Machine(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(self.folder.name)
        self.saved = machine.PAGES, machine.STATE
        machine.PAGES, machine.STATE = path, path / "state"
        self.addCleanup(self.restore)

    def restore(self):
        machine.PAGES, machine.STATE = self.saved
        self.folder.cleanup()

    def pages(self, total, free):
        (machine.PAGES / "nr_hugepages").write_text(str(total))
        (machine.PAGES / "free_hugepages").write_text(str(free))

    def total(self):
        return int((machine.PAGES / "nr_hugepages").read_text())

    def test_pages_that_are_there_are_left_alone(self):
        self.pages(100, 100)
        with machine.hugepages(200):
            self.assertEqual(self.total(), 100)
        self.assertEqual(self.total(), 100)

    def test_what_is_taken_is_given_back_also_when_the_run_fails(self):
        self.pages(10, 4)
        with self.assertRaisesRegex(BenchError, "wanted"):  # these pages never become free
            with machine.hugepages(200):
                pass
        self.assertEqual(self.total(), 10)

    def test_a_killed_run_is_put_right_by_the_next(self):
        self.pages(500, 500)
        machine.STATE.mkdir()
        (machine.STATE / "hugepages.json").write_text('{"hugepages": 3}')
        with machine.hugepages(200):
            self.assertEqual(self.total(), 3)

    def test_busy_shares(self):
        self.assertEqual(machine.busy_shares({0: (10, 100)}, {0: (60, 200)}), {0: 0.5})


if __name__ == "__main__":
    unittest.main(verbosity=1)
