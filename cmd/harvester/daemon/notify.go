package daemon

import sd "github.com/coreos/go-systemd/v22/daemon"

// reloading is the state that begins a reload. The time in it makes the unit
// fit for Type=notify-reload, too.
func reloading() string {
	return "RELOADING=1\n" + sd.SdNotifyMonotonicUsec() + "STATUS=reading the configuration again"
}
