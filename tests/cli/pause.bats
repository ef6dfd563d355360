#!/usr/bin/env bats
# froe pause: stop guests where they are.
load helpers

@test "pause: options and errors" {
	usual pause web1
	setup
	needs_guest pause
}

@test "pause: does it and says nothing" {
	froe pause web1
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ -z "$stderr" ]
	log_is "pause 1"
	froe --json pause 1
	json 'j["items"][0]["domid"] == 1 and j["items"][0]["name"] == "web1"'
}

@test "pause: several; one that fails does not keep the others" {
	froe pause nosuch web1
	[ "$status" -eq 10 ]
	log_is "pause 1"
}

@test "pause: what the hypervisor refuses is told" {
	echo "fail what=pause code=1 id=x error=it will not" >>fake
	froe pause web1
	[ "$status" -eq 1 ]
	[[ $stderr == "froe: pause: it will not"* ]]
}

@test "pause: in that state already" {
	froe pause db
	[ "$status" -eq 11 ]
	[[ $stderr == "froe: pause: db: is paused already"* ]]
	log_is
}

@test "pause: never the control domain" {
	for who in 0 Domain-0; do
		froe pause $who
		[ "$status" -eq 1 ]
		[[ $stderr == "froe: pause: Domain-0: the control domain c"*hint:* ]]
	done
	log_is
}
