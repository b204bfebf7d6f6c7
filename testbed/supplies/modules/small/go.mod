// What is small enough to be written here: the pause program and flannel's CNI plugin.
module nfs-holdfast/testbed/supplies/modules/small

go 1.26.0

require github.com/containernetworking/cni v1.3.0

require (
	github.com/vishvananda/netns v0.0.4 // indirect
	golang.org/x/sys v0.23.0 // indirect
)
