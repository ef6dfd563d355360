#!/usr/bin/env bats
# froe vcpu-list: where vCPUs run and where they may.
load helpers

vcpus() {
	cat >>fake <<-END
		vcpu domain=1 id=0 cpu=1 state=ob time=5000000000 hard=0-1 soft=0
		vcpu domain=1 id=1 cpu=0 state=x time=0 hard=0 soft=all
		vcpu domain=3 id=0 cpu=3 state=or time=1234567890 hard=1-2 soft=3
		host cpus=4
	END
}

@test "vcpu-list: options and errors" {
	usual vcpu-list
	froe vcpu-list
	[ "$status" -eq 12 ]
	fake <<<"fail what=host code=12 id=x error=no hypervisor"
	froe vcpu-list
	[ "$status" -eq 12 ]
}

@test "vcpu-list: the table" {
	vcpus
	froe vcpu-list
	[ "$status" -eq 0 ]
	says <<-END
		Name                                ID  VCPU   CPU State   Time(s) Affinity (Hard / Soft)
		web1                                 1     0    1   -b-       5.0  0-1 / 0
		web1                                 1     1    -   --p       0.0  0 / all
		db                                   3     0    3   r--       1.2  1-2 / 3
	END
}

@test "vcpu-list DOMAIN..., and what is missing" {
	vcpus
	froe vcpu-list db nosuch
	[ "$status" -eq 10 ]
	[ "$(wc -l <<<"$output")" -eq 2 ]
	froe --json vcpu-list web1
	json 'j["items"] == [
		{"name": "web1", "domid": 1, "vcpu": 0, "state": "-b-", "hard_affinity": "0-1",
		 "soft_affinity": "0", "online": True, "cpu": 1, "cpu_time_ns": 5000000000},
		{"name": "web1", "domid": 1, "vcpu": 1, "state": "--p", "hard_affinity": "0",
		 "soft_affinity": "all", "online": False, "cpu": None, "cpu_time_ns": 0}]'
}

@test "vcpu-list: a domain that goes meanwhile is missed by nobody who has not named it" {
	echo "fail what=vcpus code=10 id=x error=it is gone" >>fake
	froe vcpu-list
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	froe vcpu-list web1
	[ "$status" -eq 10 ]
	[[ $stderr == "froe: vcpu-list: it is gone"* ]]
	sed -i 's/code=10/code=1/' fake
	froe vcpu-list
	[ "$status" -eq 1 ]
	[ "$(grep -c 'it is gone' <<<"$stderr")" -eq 3 ]
}
