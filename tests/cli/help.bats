#!/usr/bin/env bats
# froe help, and what stands in front of a verb.
load helpers

@test "help: options and errors" {
	usual help
	froe help nosuch
	[ "$status" -eq 2 ]
	froe help list create
	[ "$status" -eq 2 ]
}

@test "help: four lines, then each verb behind one space; no hypervisor is needed" {
	fake <<<"fail what=list code=12 id=x error=no hypervisor"
	froe help
	[ "$status" -eq 0 ]
	[ "$(sed 1,4d <<<"$output" | grep -cv '^ [a-z]')" -eq 0 ]
	[[ "$(sed 1,4d <<<"$output" | awk '/^ [^ ]/ { print $1 }' | paste -sd ' ')" == "create list "*" help" ]]
	froe
	[ "$status" -eq 1 ]
	[[ $output == "Usage: froe "* ]]
	froe -h
	[ "$status" -eq 0 ]
	[[ $output == "Usage: froe "* ]]
	froe --help
	[ "$status" -eq 0 ]
}

@test "help VERB: its usage; --json: all options" {
	froe help dmesg
	says <<-END
		Usage: froe [-vqN] dmesg [options]

		Show the hypervisor's messages.

		Options:

		-c, --clear                     Remove the messages once they are shown
		-h, --help                      Print this help
	END
	froe --json help
	json 'next(i for i in j["items"] if i["name"] == "dmesg")["options"] == "-c --clear -h --help"'
	froe help save
	[ "$status" -eq 1 ]
	[[ $stderr == *"save: not supported by Froe: "* ]]
}

@test "--version" {
	froe --version
	[ "$status" -eq 0 ]
	[[ $output =~ ^froe\ [0-9]+\.[0-9]+$ ]]
}

@test "a unique prefix of a verb works, also of xl's that are not there" {
	froe des db
	[ "$status" -eq 0 ]
	log_is "destroy 3"
	froe domi web1
	[ "$output" = 1 ]
	froe re web1
	[ "$status" -eq 1 ]
	[[ $stderr == "froe: re: no such command"* ]]
	froe d
	[ "$status" -eq 1 ]
	froe restart-g 1
	[ "$status" -eq 1 ]
	froe debug R
	[ "$status" -eq 1 ]
	[[ $stderr == "froe: debug-keys: not supported by Froe: "* ]]
}

@test "unknown verbs and options in front of it: 1, as with xl" {
	froe nosuch
	[ "$status" -eq 1 ]
	[[ $stderr == "froe: nosuch: no such command"*hint:* ]]
	froe --nosuch list
	[ "$status" -eq 1 ]
	[[ $stderr == "froe: unknown option --nosuch"* ]]
	froe -x list
	[ "$status" -eq 1 ]
	[[ $stderr == "froe: unknown option -x"* ]]
	froe --format=xml list
	[ "$status" -eq 1 ]
	[[ $stderr == 'froe: bad value "xml"'* ]]
	for bad in x -1 1e99 ''; do
		froe --timeout="$bad" list
		[ "$status" -eq 1 ]
	done
	froe --json nosuch
	[ "$status" -eq 1 ]
	json 'j["schema"] == "froe/froe/1" and j["errors"][0]["id"] == "usage"'
	json_errors
	froe -vvvqftT list
	[ "$status" -eq 0 ]
}

@test "each verb of xl is there, if only to say why not" {
	local xl="create config-update list destroy shutdown reboot pci-attach pci-detach pci-list
		pci-assignable-add pci-assignable-remove pci-assignable-list pause unpause console
		vncviewer save migrate restore migrate-receive dump-core cd-insert cd-eject mem-max
		mem-set button-press vcpu-list vcpu-pin vcpu-set vm-list info sharing sched-credit
		sched-credit2 sched-rtds domid domname rename trigger sysrq debug-keys set-parameters
		dmesg top network-attach network-list network-detach channel-list block-attach
		block-list block-detach vtpm-attach vtpm-list vtpm-detach vkb-attach vkb-list vkb-detach
		vdispl-attach vdispl-list vdispl-detach vsnd-attach vsnd-list vsnd-detach uptime claims
		getenforce setenforce loadpolicy cpupool-create cpupool-list cpupool-destroy
		cpupool-rename cpupool-cpu-add cpupool-cpu-remove cpupool-migrate cpupool-numa-split
		remus devd psr-hwinfo psr-cmt-attach psr-cmt-detach psr-cmt-show psr-cat-set
		psr-cat-show psr-mba-set psr-mba-show usbctrl-attach usbctrl-detach usb-list
		usbdev-attach usbdev-detach qemu-monitor-command" verb
	for verb in $xl; do
		run "$froe" help "$verb"
		[[ $status -eq 0 || $output == *"$verb: not supported by Froe: "* ]] || {
			echo "$verb: $output"
			return 1
		}
		[ "$status" -eq 0 ] || {
			run "$froe" "$verb" some arguments -x
			[[ $status -eq 1 && $output == "froe: $verb: not supported by Froe: "* ]]
		}
	done
}
