# Short names for those who have make.
check:
	./scripts/check

fuzz:
	./scripts/fuzz

.PHONY: check fuzz
