package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// subnet is what flanneld writes down for this node.
type subnet struct {
	whole       string // of all nodes' pods
	own         string // of this node's
	mtu         int
	masqueraded bool // flanneld masquerades already
}

// readSubnet reads lines such as FLANNEL_SUBNET=10.244.1.1/24.
func readSubnet(path string) (*subnet, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("flanneld has not written its subnet yet: %w", err)
	}
	values := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[key] = value
	}
	_, own, err := net.ParseCIDR(values["FLANNEL_SUBNET"])
	if err != nil {
		return nil, fmt.Errorf("FLANNEL_SUBNET in %s: %w", path, err)
	}
	mtu, err := strconv.Atoi(values["FLANNEL_MTU"])
	if err != nil {
		return nil, fmt.Errorf("FLANNEL_MTU in %s: %w", path, err)
	}
	return &subnet{
		whole:       values["FLANNEL_NETWORK"],
		own:         own.String(),
		mtu:         mtu,
		masqueraded: values["FLANNEL_IPMASQ"] == "true",
	}, nil
}
