#!/usr/bin/env bats
# froe unpause: let paused guests run.
load helpers

@test "unpause: options and errors" {
	usual unpause db
	setup
	needs_guest unpause
}

@test "unpause: does it and says nothing" {
	froe unpause db
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ -z "$stderr" ]
	log_is "unpause 3"
	froe --json unpause 3
	json 'j["items"][0]["domid"] == 3 and j["items"][0]["name"] == "db"'
}

@test "unpause: several; one that fails does not keep the others" {
	froe unpause nosuch db
	[ "$status" -eq 10 ]
	log_is "unpause 3"
}

@test "unpause: what the hypervisor refuses is told" {
	echo "fail what=unpause code=1 id=x error=it will not" >>fake
	froe unpause db
	[ "$status" -eq 1 ]
	[[ $stderr == "froe: unpause: it will not"* ]]
}

@test "unpause: in that state already" {
	froe unpause web1
	[ "$status" -eq 11 ]
	[[ $stderr == "froe: unpause: web1: is not paused"* ]]
	log_is
}
