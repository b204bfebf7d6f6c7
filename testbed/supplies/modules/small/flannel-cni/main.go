// flannel-cni joins a pod to the network whose subnet flanneld wrote down: it makes a
// configuration of that, and lets the bridge plugin do the work. It speaks the configuration and
// the names of flannel's own plugin, whose module no proxy serves.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

type config struct {
	types.NetConf
	SubnetFile string         `json:"subnetFile"`
	DataDir    string         `json:"dataDir"`
	Delegate   map[string]any `json:"delegate"`
}

func main() {
	skel.PluginMainFuncs(
		skel.CNIFuncs{Add: add, Check: check, Del: del},
		version.All,
		"flannel: joins pods to flannel's network by means of the bridge plugin",
	)
}

func add(args *skel.CmdArgs) error {
	conf, err := parse(args.StdinData)
	if err != nil {
		return err
	}
	network, err := readSubnet(conf.SubnetFile)
	if err != nil {
		return err
	}
	delegated, err := json.Marshal(delegate(conf, network))
	if err != nil {
		return err
	}
	// Written down before anything is made, so that what is half made can be taken apart.
	if err := save(conf.DataDir, args.ContainerID, delegated); err != nil {
		return err
	}
	result, err := invoke.DelegateAdd(context.Background(), "bridge", delegated, nil)
	if err != nil {
		return err
	}
	return result.Print()
}

func check(args *skel.CmdArgs) error {
	conf, err := parse(args.StdinData)
	if err != nil {
		return err
	}
	saved, err := os.ReadFile(filepath.Join(conf.DataDir, args.ContainerID))
	if err != nil {
		return fmt.Errorf("this container was never added: %w", err)
	}
	var delegated map[string]any
	if err := json.Unmarshal(saved, &delegated); err != nil {
		return err
	}
	delegated["prevResult"] = conf.RawPrevResult
	checked, err := json.Marshal(delegated)
	if err != nil {
		return err
	}
	return invoke.DelegateCheck(context.Background(), "bridge", checked, nil)
}

// del takes apart what add made, as often as it is asked; what was never added is no error.
func del(args *skel.CmdArgs) error {
	conf, err := parse(args.StdinData)
	if err != nil {
		return err
	}
	path := filepath.Join(conf.DataDir, args.ContainerID)
	delegated, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := invoke.DelegateDel(context.Background(), "bridge", delegated, nil); err != nil {
		return err
	}
	return os.Remove(path)
}

func parse(data []byte) (*config, error) {
	conf := &config{SubnetFile: "/run/flannel/subnet.env", DataDir: "/var/lib/cni/flannel"}
	if err := json.Unmarshal(data, conf); err != nil {
		return nil, fmt.Errorf("the network's configuration is no JSON: %w", err)
	}
	return conf, nil
}

// delegate is the bridge plugin's configuration: what was asked for, then what flanneld decided.
func delegate(conf *config, network *subnet) map[string]any {
	bridge := map[string]any{"bridge": "cni0", "isGateway": true}
	for key, value := range conf.Delegate {
		bridge[key] = value
	}
	bridge["cniVersion"] = conf.CNIVersion
	bridge["name"] = conf.Name
	bridge["type"] = "bridge"
	bridge["mtu"] = network.mtu
	bridge["ipMasq"] = !network.masqueraded
	bridge["ipam"] = map[string]any{
		"type":   "host-local",
		"subnet": network.own,
		"routes": []map[string]string{{"dst": network.whole}},
	}
	return bridge
}

func save(folder, name string, data []byte) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name), data, 0o600)
}
