# Everything starts here; CI runs these same targets.
.DEFAULT_GOAL := help
.PHONY: help run test build dist check bench e2e setup bundle
MAKEFLAGS += --no-print-directory
STEPS := bash xtask/steps.sh

help: ## Say what there is
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: ## Build, start with the sandbox on SQLite at 127.0.0.1:3000, print the sign-in link
	@$(STEPS) run

test: ## Install what is missing, then every check and every test
	@$(STEPS) test

build: ## Leave a self-contained target/release/rota
	@$(STEPS) build

dist: ## The same, slowly: smaller and faster, in target/dist/rota
	@$(STEPS) dist

check: ## Format, clippy for the server and for the browser, purity of the pure crates, 60 s of fuzzing
	@$(STEPS) check

bench: ## Measure, on a release build
	@$(STEPS) bench

e2e: ## The browser journeys alone, on a development build
	@$(STEPS) e2e

setup: ## Install what building and testing need
	@bash xtask/setup.sh test

bundle: ## The browser's half alone, into target/site
	@bash xtask/setup.sh build
	@cargo xtask bundle
