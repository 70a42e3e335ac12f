#!/usr/bin/env python3
"""Runs the benchmarks of a build interleaved and compares every implementation with frond.

Every case of every implementation has a process of its own, so that its memory is its own and its first
repetition meets fresh memory. A round runs each of them once, one after the other; what slows the machine for
a while then slows all of them, and a ratio is taken within a round before the median over the rounds is.

Some workloads are counted, not timed. They have tables of their own, and are run in three rounds at most.
"""

import argparse
import collections
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

SOURCES = pathlib.Path(__file__).resolve().parent
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"

# Workloads that are counted, not timed
COUNTED = {"bag_item", "handover", "idle", "steals"}
COUNTED_ROUNDS = 3
# What a time is that of; a task where nothing is said
UNITS = {"ping_pong": "a message", "lock": "a lock and unlock",
         "ordered_results": "an item", "unordered_results": "an item"}
# System calls that wake a thread or put it to sleep
WAKING_CALLS = ["futex", "write", "read", "epoll_wait", "epoll_ctl"]

# name: as in the tables; group: the rows of one table; program and benchmark: how to run it
Case = collections.namedtuple("Case", "workload group name program benchmark")
# nanoseconds a task in the first repetition and (median) in the later ones; bytes
Sample = collections.namedtuple("Sample", "first again peak_rss")


def run(program, *arguments, smoke=False):
    environment = dict(os.environ, **({"FROND_BENCH_SMOKE": "1"} if smoke else {}))
    result = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True,
                            timeout=600)
    if result.returncode != 0:
        ended = f"exit code {result.returncode}" if result.returncode > 0 else f"signal {-result.returncode}"
        raise RuntimeError(f"{ended}: {result.stderr.strip() or 'no message'}")
    return result.stdout


def find_programs(build):
    """Workload, implementation and path of every program, and the names of those that this build left out."""
    wanted = {f"bench_{source.parent.name}_{source.stem}": source
              for pattern in ("*/*.cpp", "*/*.go") for source in SOURCES.glob(pattern)}
    found = {}
    for folder, _, files in os.walk(build):
        for name in wanted.keys() & set(files):
            found[name] = os.path.join(folder, name)
    missing = sorted(wanted.keys() - found.keys())
    if any(name.endswith("_frond") for name in missing):
        sys.exit(f"not built in {build}: {', '.join(missing)}")
    return [(wanted[name].parent.name, wanted[name].stem, found[name]) for name in sorted(found)], missing


def list_cases(programs, only):
    cases = []
    for workload, implementation, program in programs:
        for benchmark in run(program, "--benchmark_list_tests").split():
            case, _, variant = re.sub(r"/(iterations:\d+|real_time)", "", benchmark).partition("/")
            group = workload if case == workload else f"{workload}, {case.replace('_', ' ')}"
            variant = re.sub(r"^threads:", "", variant).replace("_", " ")
            name = variant if workload in COUNTED else f"{implementation} {variant}".strip()
            if re.search(only, f"{group} {name}"):
                cases.append(Case(workload, group, name, program, benchmark))

    # In its table frond comes first, the rest by name; what is counted comes last and stays as it is
    def order(case):
        if case.workload in COUNTED:
            return 1, case.workload, 0, ""
        is_frond = case.name.split()[0] == "frond"
        return 0, case.group, not is_frond, "" if is_frond else case.name

    return sorted(cases, key=order)


def measure(case, repetitions, smoke):
    if case.workload in COUNTED:
        repetitions = 1
    output = json.loads(run(case.program, f"--benchmark_filter=^{re.escape(case.benchmark)}$",
                            "--benchmark_format=json", f"--benchmark_repetitions={repetitions}", smoke=smoke))
    runs = [entry for entry in output["benchmarks"] if entry["run_type"] == "iteration"]
    if len(runs) != repetitions or any(entry.get("error_occurred") for entry in runs):
        raise RuntimeError(f"{len(runs)} of {repetitions} repetitions: {runs}")
    if case.workload in COUNTED:
        # The program has numbered them: "a tasks", "b steals", ...
        names = sorted(name for name in runs[0] if re.match("[a-z] ", name))
        return {name[2:]: runs[0][name] for name in names}, output["context"]
    nanoseconds = [entry["seconds_per_task"] * 1e9 for entry in runs]
    again = statistics.median(nanoseconds[1:]) if repetitions > 1 else None
    return Sample(nanoseconds[0], again, max(entry["peak_rss"] for entry in runs)), output["context"]


def measure_all(cases, rounds, repetitions, smoke):
    samples = collections.defaultdict(list)
    contexts, failures = {}, []
    for round_number in range(1, rounds + 1):
        for case in cases:
            if case in (failed for failed, _ in failures):
                continue
            if case.workload in COUNTED and round_number > COUNTED_ROUNDS:
                continue
            print(f"round {round_number}/{rounds}: {case.group}: {case.name}", file=sys.stderr, flush=True)
            try:
                sample, contexts[case.program] = measure(case, repetitions, smoke)
                samples[case].append(sample)
            except (RuntimeError, subprocess.TimeoutExpired, json.JSONDecodeError, KeyError) as error:
                failures.append((case, error))
    for case, _ in failures:
        samples.pop(case, None)
    return samples, contexts.values(), failures


def system_calls(cases):
    """A table of the calls that `strace` counts; None without it."""
    if not shutil.which("strace"):
        print("--strace: there is no strace here (apt-get install strace); its table is left out", file=sys.stderr)
        return None
    rows = [["", *WAKING_CALLS]]
    for case in cases:
        print(f"strace: {case.group}: {case.name}", file=sys.stderr, flush=True)
        with tempfile.NamedTemporaryFile("r") as summary:
            output = run("strace", "-f", "-c", "-o", summary.name, case.program,
                         f"--benchmark_filter=^{re.escape(case.benchmark)}$", "--benchmark_format=json")
            calls = collections.Counter()
            for line in summary:
                if found := re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line):
                    calls[found[2]] = int(found[1])
        steps = json.loads(output)["benchmarks"][0]["a steps"]
        rows.append([case.name, *(f"{calls[name] / steps:.2f}" for name in WAKING_CALLS)])
    return f"### {cases[0].workload}: system calls a step\n\n{lines_of(rows)}"


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def time_and_ratio(own, reference):
    """`median (min–max)` and the median of the ratios to frond within each round."""
    if None in own:
        return ["–", "–"]
    ratio = number(statistics.median(a / b for a, b in zip(own, reference))) if reference else "–"
    return [f"{number(statistics.median(own))} ({number(min(own))}–{number(max(own))})", ratio]


def count(values):
    """`median (min–max)`, or the one value that there is."""
    texts = [f"{value:,.0f}" if value == int(value) else number(value)
             for value in (statistics.median(values), min(values), max(values))]
    return texts[0] if texts[1] == texts[2] else f"{texts[0]} ({texts[1]}–{texts[2]})"


def lines_of(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    return "\n".join("| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows)


def table(group, samples):
    cases = [case for case in samples if case.group == group]
    if cases[0].workload in COUNTED:
        columns = samples[cases[0]][0].keys()
        rows = [["" if not cases[0].name.isdigit() else "threads", *columns]]
        rows += [[case.name, *(count([s[column] for s in samples[case]]) for column in columns)]
                 for case in cases]
        return f"### {group}\n\n{lines_of(rows)}"

    named = {case.name: samples[case] for case in cases}
    threads = {case: re.search(r"\d+ threads?$", case.name) for case in cases}
    in_runtime = {case: named.get(f"frond {found[0]}", []) if found else [] for case, found in threads.items()}
    unit = UNITS.get(cases[0].workload, "a task")
    rows = [["implementation", f"first, ns {unit}", "× frond", f"again, ns {unit}", "× frond",
             *(["× frond, as many threads"] if any(in_runtime.values()) else []), "peak RSS, MB"]]
    reference = named.get("frond", [])
    for case in cases:
        own = samples[case]
        same = time_and_ratio([s.again for s in own], [s.again for s in in_runtime[case]])[1:]
        rows.append([case.name,
                     *time_and_ratio([s.first for s in own], [s.first for s in reference]),
                     *time_and_ratio([s.again for s in own], [s.again for s in reference]),
                     *(same if any(in_runtime.values()) else []),
                     number(statistics.median(s.peak_rss for s in own) / 1e6)])
    return f"### {group}\n\n{lines_of(rows)}"


def command_output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=SOURCES, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def conditions(contexts, load_before, rounds, repetitions):
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = sorted({context["library"] for context in contexts} - {"frond", "none"})
    revision = command_output("git", "describe", "--always", "--dirty", "--tags")
    now = datetime.datetime.now(datetime.timezone.utc)
    lines = [
        f"- {now:%Y-%m-%d %H:%M} UTC; {rounds} interleaved rounds, "
        f"{repetitions} repetitions a process; "
        f"load average {load_before:.1f} before, {os.getloadavg()[0]:.1f} after",
        f"- {cpu[1] if cpu else platform.machine()}, {os.cpu_count()} processors, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}",
        f"- {', '.join(sorted({context['compiler'] for context in contexts}))}; frond at {revision}, "
        f"{', '.join(libraries) or 'alone'}",
    ]
    if any(context["optimised"] != "yes" for context in contexts):
        lines.append("- **Not an optimised build (-O2 or more and NDEBUG): these times mean nothing.**")
    return "\n".join(lines)


def place_for_figures(path):
    """What stands before and after the figures in the file; a new file will hold nothing else."""
    if not path.exists():
        return "", "\n"
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        sys.exit(f"{path} has no lines '{BEGIN}' and '{END}' to put the figures between")
    return f"{before}{begin}\n\n", f"\n\n{end}{after}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, help="build directory with the bench_* programs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repetitions", type=int, default=3, help="in each process")
    parser.add_argument("--only", default="", metavar="REGEX",
                        help='matched against, e.g., "spawn_join, once tbb 1 thread"')
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE",
                        help="also put the figures into FILE")
    parser.add_argument("--strace", action="store_true",
                        help="also count the system calls of `handover`; slow, and needs strace")
    parser.add_argument("--smoke", action="store_true",
                        help="one short run each: checks the results, its times mean nothing")
    options = parser.parse_args()
    if options.smoke:
        options.rounds = options.repetitions = 1
    if options.rounds < 1 or options.repetitions < 1:
        parser.error("--rounds and --repetitions start at 1")
    if options.smoke and options.markdown:
        parser.error("a smoke run has no figures to write")
    if options.markdown:
        place_for_figures(options.markdown)  # complains now, not after ten minutes

    load_before = os.getloadavg()[0]
    programs, missing = find_programs(options.build)
    if missing:
        print(f"not built, so not compared: {', '.join(missing)}", file=sys.stderr)
    cases = list_cases(programs, options.only)
    if not cases:
        sys.exit(f"no benchmark matches '{options.only}'")
    samples, contexts, failures = measure_all(cases, options.rounds, options.repetitions, options.smoke)
    if samples and not options.smoke:
        tables = [table(group, samples) for group in dict.fromkeys(case.group for case in samples)]
        handovers = [case for case in samples if case.workload == "handover"]
        if options.strace and handovers and (calls := system_calls(handovers)):
            tables.append(calls)
        header = conditions(contexts, load_before, options.rounds, options.repetitions)
        if missing:
            header += f"\n- Not built, so not compared: {', '.join(missing)}"
        text = "\n\n".join([header, *tables])
        print(text)
        # Figures with a row missing would look complete in a document.
        if options.markdown and not failures:
            before, after = place_for_figures(options.markdown)
            options.markdown.write_text(before + text + after)
    for case, error in failures:
        print(f"FAILED {case.group}: {case.name}: {error}", file=sys.stderr)
    print(f"{len(samples)} benchmarks ran, {len(failures)} failed", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
