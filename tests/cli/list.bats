#!/usr/bin/env bats
# froe list: xl's text to the byte, and more as JSON.
load helpers

@test "list: options and errors" {
	usual list
	froe list
	[ "$status" -eq 12 ]
	[[ $stderr == "froe: list: no hypervisor"* ]]
}

@test "list: the table" {
	froe list
	[ "$status" -eq 0 ]
	says <<-END
		Name                                        ID   Mem VCPUs	State	Time(s)
		Domain-0                                     0  1216     2     r-----     123.5
		web1                                         1   512     2     -b----       9.0
		db                                           3   257     1     --p---       0.0
	END
}

@test "list: asks the library once, for a hundred guests as for one" {
	for ((i = 1; i <= 100; i++)); do
		echo "domain id=$i name=guest$i memory=4194304 vcpus=1 time=0"
	done >fake
	froe list
	[ "$(wc -l <<<"$output")" -eq 101 ]
	[ "$(cat log)" = list ]
}

@test "list: each state has its letters" {
	local i=0 letters reason
	while read -r letters reason; do
		echo "domain id=$i name=n flags=$letters reason=$reason memory=0 vcpus=0 time=0"
		((++i))
	done >fake <<-END
		x 0
		r 0
		b 0
		p 0
		s 0
		s 1
		s 2
		s 3
		s 4
		s 5
		s 9
		psd 3
		d 0
	END
	sed -i 's/flags=x //' fake
	froe list
	[ "$(awk 'NR > 1 { print $5 }' <<<"$output" | paste -sd ' ')" = \
		"------ r----- -b---- --p--- ---s-- ---sr- ---ss- ---sc- ---sw- ---sS- ---s?- --pscd -----d" ]
}

@test "list: six fields in every line, whatever the guest is called" {
	echo "domain id=5 flags=d memory=0 vcpus=1 time=0" >>fake
	froe list
	[ "$(awk 'NR > 1 && NF != 6' <<<"$output")" = "" ]
	[[ $output == *"(null)                                       5     0     1     -----d       0.0" ]]
}

@test "list -v, -c, -n, -Z: more columns" {
	froe list -v 1
	says <<-END
		Name                                        ID   Mem VCPUs	State	Time(s)   UUID                            Reason-Code	Security Label
		web1                                         1   512     2     -b----       9.0 01234567-89ab-cdef-0123-456789abcdef        -                -
	END
	froe list -c web1
	says <<-END
		Name                                        ID   Mem VCPUs	State	Time(s)         Cpupool
		web1                                         1   512     2     -b----       9.0          Pool-0
	END
	froe list -n web1
	says <<-END
		Name                                        ID   Mem VCPUs	State	Time(s) NODE Affinity
		web1                                         1   512     2     -b----       9.0 all
	END
	froe list -Z web1
	says <<-END
		Name                                        ID   Mem VCPUs	State	Time(s)   Security Label
		web1                                         1   512     2     -b----       9.0                -
	END
	echo "domain id=9 name=x flags=s reason=3 memory=0 vcpus=1 time=0" >>fake
	froe list -v 9
	[[ $output == *" 00000000-0000-0000-0000-000000000000        3                -" ]]
}

@test "list DOMAIN...: by name, number and UUID; who is missing is told" {
	froe list db 1 01234567-89ab-cdef-0123-456789abcdef
	[ "$status" -eq 0 ]
	[ "$(awk 'NR > 1 { print $1 }' <<<"$output" | paste -sd ' ')" = "db web1 web1" ]
	froe list nosuch web1 77
	[ "$status" -eq 10 ]
	[ "$(wc -l <<<"$output")" -eq 2 ]
	[ "$(grep -c "^froe: list: no domain" <<<"$stderr")" -eq 2 ]
	froe list nosuch
	[ "$status" -eq 10 ]
	[ -z "$output" ]
	froe --json list nosuch web1
	[ "$status" -eq 10 ]
	json 'len(j["items"]) == 1 and j["errors"][0]["item"] == "nosuch"'
	json_errors
}

@test "list --json: real types" {
	echo "domain id=9 name=x flags=s reason=1 memory=0 vcpus=1 time=0" >>fake
	froe --json list
	json 'j["schema"] == "froe/list/1" and j["errors"] == [] and len(j["items"]) == 4'
	json 'j["items"][1] == {"name": "web1", "domid": 1, "vcpus": 2, "state": "-b----",
		"uuid": "01234567-89ab-cdef-0123-456789abcdef", "running": False, "blocked": True,
		"paused": False, "shutdown": False, "dying": False, "shutdown_reason": None,
		"memory_bytes": 536870912, "memory_max_bytes": 536870912, "claimed_bytes": 0,
		"vcpus_max": 2, "cpu_time_ns": 9049999999, "cpupool": "Pool-0"}'
	json 'j["items"][3]["shutdown_reason"] == "reboot"'
	froe list --json
	json 'len(j["items"]) == 4'
}

@test "list --format: CSV and KEY=VALUE of the same columns, --no-header" {
	froe --format=csv list
	[ "$(head -1 <<<"$output" | cut -d, -f1-4)" = "name,domid,vcpus,state" ]
	[ "$(sed -n 3p <<<"$output" | cut -d, -f1-4)" = "web1,1,2,-b----" ]
	froe --format=csv --no-header list 1
	[ "$(wc -l <<<"$output")" -eq 1 ]
	froe --format=keyval list 1
	[[ $output == "name=web1"*"memory_bytes=536870912"* ]]
	froe --no-header list 1
	says <<<"web1                                         1   512     2     -b----       9.0"
}

@test "list -l: xl's array; what cannot be described is in it" {
	guest_file run/guest/1.cfg
	froe list -l
	[ "$status" -eq 10 ]
	json 'isinstance(j, list) and [d["domid"] for d in j] == [0, 1, 3]'
	json 'j[0]["config"]["c_info"]["name"] == "Domain-0"'
	json 'j[1]["config"]["c_info"] == {"type": "pvh", "name": "web1", "run_hotplug_scripts": "True",
		"uuid": "01234567-89ab-cdef-0123-456789abcdef"}'
	json 'j[1]["config"]["b_info"]["max_memkb"] == 65536 and "error" in j[2]'
	froe list -l 1
	[ "$status" -eq 0 ]
	json 'len(j) == 1'
	froe list -l nosuch
	[ "$status" -eq 10 ]
	json 'j == []'
	froe --json list -l 1
	json 'j["items"][0]["config"]["on_reboot"] == "restart"'
}

@test "list: output that cannot be written is an error" {
	[ "$(bash -c '"$0" list >/dev/full 2>/dev/null; echo $?' "$froe")" -eq 1 ]
}
