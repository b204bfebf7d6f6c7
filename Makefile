# Everything that a developer types; CONTRIBUTING.md says when. `make` alone lists it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The checkout as Ansible finds it, and Python too: a link.
COLLECTION := collections/ansible_collections/holdfast/nfs
LOCKS := requirements/run.txt requirements/dev.txt
CODE := provisioner testbed tests $(COLLECTION)/plugins
# Only the demo downloads programs from their official servers; all else builds what it lacks, and
# asks a server only if one is named.
ifeq ($(HOLDFAST_RELEASE_URL),)
demo: export HOLDFAST_RELEASE_URL :=
export HOLDFAST_RELEASE_URL := none
endif
# The lab's machines, vagrant or uml; by default those of the lab that stands, else uml.
ifneq ($(LAB),)
export HOLDFAST_LAB_MACHINES := $(LAB)
endif
INVENTORY ?= inventory/lab.yml
# What make test leaves to make test-all and make test-examples.
LATER := examples test_site_again.py test_not_blank.py test_single_machine.py \
  test_image_build.py test_care.py test_upgrade.py
COMPILE := uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade

.PHONY: help
help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: demo
demo: $(VENV)/made ## the main job on a control plane of its own; KEEP=1 to look around afterwards
	@$(BIN)/python -m testbed.demo $(if $(KEEP),--keep)

.PHONY: test
test: lint unit cluster machines ## everything below: lint, unit, cluster, machines
	@echo "not run: make test-all (test-site-again, test-not-blank, test-single-machine, test-image, test-care, test-upgrade, long: three hours more)," \
	  "make lab site test-examples lab-down (every example on the lab; half an hour)"

.PHONY: test-all
test-all: test test-site-again test-not-blank test-single-machine test-image test-care test-upgrade long ## test and all that follows: before a release; three hours more

.PHONY: lint
lint: $(VENV)/made ## ruff, mypy --strict, the import rule, ansible-lint, sanity, antsibull-docs
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/mypy $(CODE)
	@$(BIN)/lint-imports
	@PATH="$(CURDIR)/$(BIN):$$PATH" ansible-lint
	@$(BIN)/python -m testbed.sanity

.PHONY: sanity
sanity: $(VENV)/made ## ansible-test's sanity tests and antsibull-docs, on the collection as it is built; part of lint
	@$(BIN)/python -m testbed.sanity

.PHONY: unit
unit: $(VENV)/made ## decisions, directories, the kube layer: no server needed
	@$(BIN)/pytest tests/unit -n auto

# Three at a time, because mostly they wait; each process has a control plane of its own.
.PHONY: cluster
cluster: $(VENV)/made ## the provisioner on a real control plane, and with it failing
	@$(BIN)/pytest tests/cluster -n 3 --dist loadfile

# One at a time: each runs its own processes side by side.
.PHONY: long
long: $(VENV)/made ## a leader held up in each of its calls, 500 kills, 100 freezes; half an hour
	@$(BIN)/pytest tests/long $(ARGS)

.PHONY: machines
machines: $(VENV)/made ## the lab, and site.yml from bare machines to a reset; 12 GB of memory
	@$(BIN)/pytest tests/lab $(LATER:%=--ignore=tests/lab/%) $(ARGS)

.PHONY: test-site-again
test-site-again: $(VENV)/made ## built machines, run on again: what differs changes, services run as their files say
	@$(BIN)/pytest tests/lab/test_site_again.py $(ARGS)

.PHONY: test-not-blank
test-not-blank: $(VENV)/made ## machines on which others built something, and runs that are interrupted
	@$(BIN)/pytest tests/lab/test_not_blank.py $(ARGS)

.PHONY: test-single-machine
test-single-machine: $(VENV)/made ## one machine for everything, with Docker, behind a proxy, from an INI inventory
	@$(BIN)/pytest tests/lab/test_single_machine.py $(ARGS)

.PHONY: test-image
test-image: $(VENV)/made ## the provisioner's image in no registry: built by the roles, for each node
	@$(BIN)/pytest tests/lab/test_image_build.py $(ARGS)

.PHONY: test-care
test-care: $(VENV)/made ## snapshots of etcd and the way back, certificates, check.yml
	@$(BIN)/pytest tests/lab/test_care.py $(ARGS)

.PHONY: test-upgrade
test-upgrade: $(VENV)/made ## upgrade.yml, from the version before to this one, while pods write
	@$(BIN)/pytest tests/lab/test_upgrade.py

.PHONY: lab
lab: $(VENV)/made ## four machines; LAB=vagrant with KVM, LAB=uml (root) without; 12 GB of memory
	@$(BIN)/python -m testbed.lab up

.PHONY: lab-status
lab-status: $(VENV)/made ## how the lab's machines are
	@$(BIN)/python -m testbed.lab status

.PHONY: lab-ssh
lab-ssh: $(VENV)/made ## a shell on a machine of the lab: make lab-ssh HOST=control
	@$(BIN)/python -m testbed.lab ssh $(or $(HOST),control)

.PHONY: lab-down
lab-down: $(VENV)/made ## end the lab; its cache stays
	@$(BIN)/python -m testbed.lab down

.PHONY: site
site: $(VENV)/made ## ansible-playbook site.yml on INVENTORY (the lab's)
	@$(BIN)/ansible-playbook -i $(INVENTORY) site.yml $(ARGS)

.PHONY: testinfra
testinfra: $(VENV)/made ## look at what site.yml built, as an administrator would
	@$(BIN)/pytest tests/testinfra --ansible-inventory=$(INVENTORY) $(ARGS)

# Side by side, for mostly they wait; the worker that loses its power would disturb all others.
# ARGS="--picture docs/examples.svg" draws the README's picture.
.PHONY: test-examples
test-examples: $(VENV)/made ## every example on the lab that stands, then with one worker powered off
	@$(BIN)/pytest tests/lab/examples -n 4 --dist loadfile --no-loadscope-reorder \
	  --ignore=tests/lab/examples/test_worker_off.py $(ARGS)
	@$(BIN)/pytest tests/lab/examples/test_worker_off.py

# It needs no $(VENV): only the standard library.
.PHONY: image
image: ## the provisioner's image as an archive in build/, for nodes without its registry; ARGS=--help
	@$(PYTHON) -m testbed.build_image $(ARGS)

.PHONY: bench
bench: $(VENV)/made ## 1,000 claims at once, against the floor; build/bench.png, a JSON line; ARGS=--help
	@$(BIN)/python -m tests.bench $(ARGS)

.PHONY: mutants
mutants: $(VENV)/made ## mutation testing: which faults no unit test notices; half an hour; ARGS=--help
	@$(BIN)/python -m tests.mutants $(ARGS)

.PHONY: search
search: $(VENV)/made ## random orders of events and faults, 500 of them; ARGS="--seeds 1000:5000", ARGS=--help
	@$(BIN)/python -m tests.search $(ARGS)

.PHONY: docs
docs: $(VENV)/made ## write what the code knows into docs/, and the READMEs of the roles
	@$(BIN)/python -m testbed.names
	@$(BIN)/python -m testbed.reference
	@$(BIN)/python -m testbed.readmes

.PHONY: format
format: $(VENV)/made ## let ruff mend what it can
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

.PHONY: lock
lock: ## choose the newest allowed versions and lock them with their hashes
	@$(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet uv
	@build/lock/bin/$(COMPILE) --output-file requirements/run.txt
	@build/lock/bin/$(COMPILE) --group dev --output-file requirements/dev.txt

.PHONY: clean
clean: ## remove what was made here; the programs in the cache stay
	@rm -rf $(VENV) build dist

# Made anew when a lock changed; the mark comes last, so a half-made one is never taken for whole.
$(VENV)/made: $(LOCKS)
	@$(PYTHON) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' || { echo \
	  "$(PYTHON) has to be Python 3.11 or newer with pip and venv (on Debian and Ubuntu: apt" \
	  "install python3-venv); install it, or name another: make PYTHON=python3.13" >&2; exit 1; }
	@echo "making $(VENV) (about a minute) …"
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@
