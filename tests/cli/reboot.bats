#!/usr/bin/env bats
# froe reboot: ask guests to boot again.
load helpers

@test "reboot: options and errors" {
	usual reboot web1
	froe reboot web1
	[ "$status" -eq 12 ]
	froe reboot
	[ "$status" -eq 2 ]
	froe reboot -a web1
	[ "$status" -eq 2 ]
	setup
	froe --json reboot nosuch
	[ "$status" -eq 10 ]
	json 'j["errors"][0]["id"] == "no-such-domain"'
}

@test "reboot: asks, and waits until it is taken" {
	froe reboot web1
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$stderr" = "Rebooting domain 1" ]
	log_is "request 1 reboot" "wait 1 taken 60000"
	froe -q reboot web1
	[ -z "$stderr" ]
	froe --json reboot web1
	json 'j["items"] == [{"domid": 1, "name": "web1"}]'
}

@test "reboot -w, -ww, --timeout" {
	froe reboot -w web1
	[ "$status" -eq 0 ]
	log_is "request 1 reboot" "wait 1 taken 60000" "wait 1 shutdown -1"
	: >log
	froe --timeout 2.5 reboot -w --wait web1
	log_is "request 1 reboot" "wait 1 taken 2500" "wait 1 gone 2500"
	echo "fail what=wait-shutdown code=13 id=timeout error=web1 has not ended" >>fake
	froe --timeout=1 reboot -w web1
	[ "$status" -eq 13 ]
	[[ $stderr == *"froe: reboot: web1 has not ended"* ]]
}

@test "reboot: a guest that does not take it, and one that is gone" {
	echo "fail what=wait-taken code=13 id=timeout error=late" >>fake
	froe reboot -w web1
	[ "$status" -eq 15 ]
	[[ $stderr == *"froe: reboot: web1: does not take the request"*hint:* ]]
	sed -i 's/^fail.*/fail what=wait-taken code=10 id=x error=gone/' fake
	froe reboot -w web1
	[ "$status" -eq 0 ]
}

@test "reboot: who cannot is told before anything is asked" {
	froe reboot db
	[ "$status" -eq 15 ]
	[[ $stderr == "froe: reboot: db: is paused"*hint:* ]]
	echo "domain id=4 name=old flags=s reason=0 memory=0 vcpus=1 time=0" >>fake
	froe reboot old
	[ "$status" -eq 11 ]
	froe reboot 0
	[ "$status" -eq 1 ]
	log_is
}

@test "reboot -a: all guests, side by side, and what cannot is told" {
	cat >>fake <<-END
		domain id=4 name=old flags=s reason=0 memory=0 vcpus=1 time=0
		domain id=5 name=web2 flags=r memory=0 vcpus=1 time=0
	END
	froe reboot -a -w -F
	[ "$status" -eq 15 ]
	log_is "request 1 reboot" "request 5 reboot" "wait 1 taken 60000" "wait 1 shutdown -1" \
		"wait 5 taken 60000" "wait 5 shutdown -1"
	fake <<<"domain id=0 name=Domain-0 flags=r memory=0 vcpus=1 time=0"
	froe reboot --all
	[ "$status" -eq 0 ]
}
