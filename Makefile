# Short names for those who have make.
demo:
	./scripts/demo

check:
	./scripts/check

# The same with 200 kills of the store instead of 20, clients under every profile of a partition, the cluster with
# sanitizers, races of threads looked for, and the time of refusals measured.
check-long:
	CHSM_CHECK_LONG=1 CHSM_KILL_ROUNDS=200 CHSM_DIFFERENTIAL_COUNT=600 ./scripts/check
	./scripts/threads
	./scripts/timing

# A cluster that is broken in random order for $CHSM_SOAK_MINUTES (10): docs/soak.md.
soak:
	./scripts/soak

fuzz:
	./scripts/fuzz

bench:
	./scripts/bench

bench-cluster:
	./scripts/bench-cluster

.PHONY: demo check check-long soak fuzz bench bench-cluster
