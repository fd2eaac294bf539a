package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/adrg/xdg"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// settings are the options that all commands share.
type settings struct {
	data   string // folder of everything that Plimsoll keeps
	config string // configuration file
	quiet  bool
}

func (s *settings) register(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&s.data, "data", "", "`DIR` for what Plimsoll keeps (default "+short(defaultData())+")")
	flags.StringVar(&s.config, "config", "", "configuration `FILE` (default "+short(defaultConfig())+")")
	flags.BoolVarP(&s.quiet, "quiet", "q", false, "no progress on standard error")
}

// dataDir is the folder of everything that Plimsoll keeps.
func (s *settings) dataDir() string {
	if s.data != "" {
		return s.data
	}
	return defaultData()
}

func defaultData() string   { return filepath.Join(xdg.DataHome, "plimsoll") }
func defaultConfig() string { return filepath.Join(xdg.ConfigHome, "plimsoll", "config.yaml") }

// short writes a path as people do: with ~ for their home folder.
func short(path string) string {
	if inside, ok := strings.CutPrefix(path, xdg.Home+string(filepath.Separator)); ok {
		return filepath.Join("~", inside)
	}
	return path
}

// layerDir and vulndbDir are its parts.
func (s *settings) layerDir() string  { return s.dataDir() }
func (s *settings) vulndbDir() string { return filepath.Join(s.dataDir(), "vulndb") }

// load gives every option that was not typed its value from the environment (PLIMSOLL_FAIL_ON) or the configuration
// file (fail-on), in that order.
func (s *settings) load(c *cobra.Command) error {
	if err := fromEnvironment(c.Flags(), "config"); err != nil {
		return err
	}
	k, err := s.readConfig(c.Root())
	if err != nil {
		return err
	}
	var failed error
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || failed != nil || f.Name == "help" || f.Name == "config" {
			return
		}
		if failed = fromEnvironment(c.Flags(), f.Name); failed != nil || f.Changed || !k.Exists(f.Name) {
			return
		}
		for _, value := range values(k, f) {
			if err := c.Flags().Set(f.Name, value); err != nil {
				failed = usageError("configuration file: %s", misfit(err))
			}
		}
	})
	return failed
}

// values are what the configuration file says for an option: one value, or a list for options that may be repeated.
func values(k *koanf.Koanf, f *pflag.Flag) []string {
	if _, repeated := f.Value.(pflag.SliceValue); repeated {
		if list := k.Strings(f.Name); len(list) > 0 {
			return list
		}
	}
	return []string{k.String(f.Name)}
}

func fromEnvironment(flags *pflag.FlagSet, name string) error {
	f := flags.Lookup(name)
	if f == nil || f.Changed {
		return nil
	}
	variable := "PLIMSOLL_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	value, set := os.LookupEnv(variable)
	if !set {
		return nil
	}
	if err := flags.Set(name, value); err != nil {
		return usageError("environment variable %s: %s", variable, misfit(err))
	}
	return nil
}

// readConfig reads the configuration file. It must exist only when it was named. Keys that are no option of any command
// are refused, so that a misspelt one does not go unnoticed.
func (s *settings) readConfig(root *cobra.Command) (*koanf.Koanf, error) {
	k := koanf.New("\x00") // keys are flat
	name := s.config
	if name == "" {
		name = defaultConfig()
	}
	err := k.Load(file.Provider(name), yaml.Parser())
	switch {
	case errors.Is(err, fs.ErrNotExist) && s.config == "":
		return k, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, usageError("no configuration file %q", name)
	case err != nil:
		return nil, usageError("configuration file %q: %v", name, err)
	}
	known := make(map[string]bool)
	knownOptions(root, known)
	for _, key := range k.Keys() {
		if !known[key] {
			return nil, usageError("configuration file %q: there is no option %q; keys are the names of options, for example fail-on", name, strings.ReplaceAll(key, "\x00", "."))
		}
	}
	return k, nil
}

func knownOptions(c *cobra.Command, known map[string]bool) {
	add := func(f *pflag.Flag) { known[f.Name] = true }
	c.Flags().VisitAll(add)
	c.PersistentFlags().VisitAll(add)
	for _, sub := range c.Commands() {
		knownOptions(sub, known)
	}
}
