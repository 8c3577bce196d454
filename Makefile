# Short names for those who have make.
check:
	./scripts/check

.PHONY: check
