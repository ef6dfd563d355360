#!/usr/bin/env bats
# froe shutdown: ask guests to power off.
load helpers

@test "shutdown: options and errors" {
	usual shutdown web1
	froe shutdown web1
	[ "$status" -eq 12 ]
	froe shutdown
	[ "$status" -eq 2 ]
	froe shutdown -a web1
	[ "$status" -eq 2 ]
	setup
	froe --json shutdown nosuch
	[ "$status" -eq 10 ]
	json 'j["errors"][0]["id"] == "no-such-domain"'
}

@test "shutdown: asks, and waits until it is taken" {
	froe shutdown web1
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$stderr" = "Shutting down domain 1" ]
	log_is "request 1 poweroff" "wait 1 taken 60000"
	froe -q shutdown web1
	[ -z "$stderr" ]
	froe --json shutdown web1
	json 'j["items"] == [{"domid": 1, "name": "web1"}]'
}

@test "shutdown -w, -ww, --timeout" {
	froe shutdown -w web1
	[ "$status" -eq 0 ]
	log_is "request 1 poweroff" "wait 1 taken 60000" "wait 1 shutdown -1"
	: >log
	froe --timeout 2.5 shutdown -w --wait web1
	log_is "request 1 poweroff" "wait 1 taken 2500" "wait 1 gone 2500"
	echo "fail what=wait-shutdown code=13 id=timeout error=web1 has not ended" >>fake
	froe --timeout=1 shutdown -w web1
	[ "$status" -eq 13 ]
	[[ $stderr == *"froe: shutdown: web1 has not ended"* ]]
}

@test "shutdown: a guest that does not take it, and one that is gone" {
	echo "fail what=wait-taken code=13 id=timeout error=late" >>fake
	froe shutdown -w web1
	[ "$status" -eq 15 ]
	[[ $stderr == *"froe: shutdown: web1: does not take the request"*hint:* ]]
	sed -i 's/^fail.*/fail what=wait-taken code=10 id=x error=gone/' fake
	froe shutdown -w web1
	[ "$status" -eq 0 ]
}

@test "shutdown: who cannot is told before anything is asked" {
	froe shutdown db
	[ "$status" -eq 15 ]
	[[ $stderr == "froe: shutdown: db: is paused"*hint:* ]]
	echo "domain id=4 name=old flags=s reason=0 memory=0 vcpus=1 time=0" >>fake
	froe shutdown old
	[ "$status" -eq 11 ]
	froe shutdown 0
	[ "$status" -eq 1 ]
	log_is
}

@test "shutdown -a: all guests, side by side, and what cannot is told" {
	cat >>fake <<-END
		domain id=4 name=old flags=s reason=0 memory=0 vcpus=1 time=0
		domain id=5 name=web2 flags=r memory=0 vcpus=1 time=0
	END
	froe shutdown -a -w -F
	[ "$status" -eq 15 ]
	log_is "request 1 poweroff" "request 5 poweroff" "wait 1 taken 60000" "wait 1 shutdown -1" \
		"wait 5 taken 60000" "wait 5 shutdown -1"
	fake <<<"domain id=0 name=Domain-0 flags=r memory=0 vcpus=1 time=0"
	froe shutdown --all
	[ "$status" -eq 0 ]
}

@test "shutdown: in a restart: its next life" {
	echo "restart id=1 next=6" >>fake
	froe shutdown db web1
	log_is "restarted 1" "request 6 poweroff" "wait 6 taken 60000"
}
