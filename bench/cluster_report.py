#!/usr/bin/env python3
"""The figures of scripts/bench-cluster and the targets they are judged by. Usage: cluster_report.py TABLE"""
import re
import statistics
import sys
from collections import defaultdict

rates = defaultdict(list)  # (operation, target, threads): operations a second
medians = defaultdict(list)  # the same: us
others = defaultdict(list)
for line in open(sys.argv[1], encoding="ascii"):
    row = re.match(r"(.+?) +(chsm|chsm-cluster) +(\d+) +(\d+) +([\d.]+) +([\d.]+)", line)
    words = line.split()
    if row:
        key = (row[1], row[2], int(row[3]))
        rates[key].append(float(row[4]))
        medians[key].append(float(row[5]))
    elif words[0] == "txn":
        medians["txn", "etcd", int(words[1])].append(float(words[2]))
        rates["txn", "etcd", int(words[1])].append(float(words[3]))
    elif words[0] == "visible":
        others["visible"] = [float(x) / 1000 for x in words[1:]]
    elif words[0] == "cold":
        others["cold"].append(float(words[1]) / 1e9)
        others["cold, CPU of the node"].append(float(words[2]) / float(words[4]))
        others["cold, CPU of etcd"].append(float(words[3]) / float(words[4]))
    elif words[0] == "pause":
        numbers = [int(x) for x in words if x != "pause"]
        others["failed"].append(numbers[0] + numbers[3])
        others["node use"].append(numbers[1])
        others["node change"].append(numbers[2])
        others["leader use"].append(numbers[4])
        others["leader change"].append(numbers[5])

print(f"{'operation':<24} {'target':<14} {'threads':>7} {'ops/s':>10} {'p50 us':>10}")
for key in rates:
    print(f"{key[0]:<24} {key[1]:<14} {key[2]:>7} {statistics.median(rates[key]):>10.0f} "
          f"{statistics.median(medians[key]):>10.1f}")

missed = 0
print(f"\n{'target':<64} {'measured':>9} {'wanted':>10}  verdict")


def judge(what, value, wanted, most=True, unit=""):
    global missed
    if value is None:
        print(f"{what:<64} {'-':>9}  not measured")
        missed += 1
        return
    good = value <= wanted if most else value >= wanted
    missed += not good
    print(f"{what:<64} {value:>9.2f} {'<=' if most else '>='} {wanted:>6.2f} {unit:<3} {'held' if good else 'MISSED'}")


def ratio(a, b, of=rates):
    if not of.get(a) or not of.get(b):
        return None
    return statistics.median(x / y for x, y in zip(of[a], of[b]))


def middle(name):
    return statistics.median(others[name]) if others[name] else None


for operation in ("RSA-2048 sign", "P-256 sign"):
    for threads in (8, 32):
        judge(f"{operation}, {threads} threads: three nodes over one, operations a second",
              ratio((operation, "chsm-cluster", threads), (operation, "chsm", threads)), 0.95, False)
for threads in (1, 32):
    create, bare = ("create AES token key", "chsm-cluster", threads), ("txn", "etcd", threads)
    judge(f"create AES key, {threads} clients: median over a bare etcd transaction's", ratio(create, bare, medians), 1.5)
    judge(f"create AES key, {threads} clients: bare transactions a second over keys", ratio(bare, create), 1.5)
judge("a node or the leader killed: failed calls", sum(others["failed"]) if others["failed"] else None, 0)
judge("each node killed: longest pause of a use of a key", max(others["node use"], default=None), 300, unit="ms")
judge("each node killed: longest pause of a change", max(others["node change"], default=None), 1500, unit="ms")
judge("the leader killed: longest pause of a use of a key", max(others["leader use"], default=None), 300, unit="ms")
judge("the leader killed: longest pause of a change", max(others["leader change"], default=None), 1500, unit="ms")
judge("a change seen on another node after its return, median", (others["visible"] or [None])[0], 10, unit="ms")
judge("a node's cold start, all keys read", middle("cold"), 3, unit="s")
for name, others_too in (("cold, CPU of the node", ""), ("cold, CPU of etcd", ", whatever its members did")):
    if others[name]:
        print(f"{name:<64} {middle(name):>9.2f} s{others_too}")
print(f"\n{missed} missed")
sys.exit(1 if missed else 0)
