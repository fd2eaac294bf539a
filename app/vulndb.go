package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"plimsoll/scanners"
	"plimsoll/scanners/connect/registry"
	"plimsoll/scanners/vulndb"
)

// databaseMirrors are where the vulnerability database is published, in the order in which they are tried.
var databaseMirrors = []string{"mirror.gcr.io/aquasec/trivy-db:2", "ghcr.io/aquasecurity/trivy-db:2"}

func newVulndb(s *settings) *cobra.Command {
	c := &cobra.Command{
		Use:   "vulndb",
		Short: "Fetch, import or show the vulnerability database",
		Args:  noArguments,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newVulndbUpdate(s), newVulndbImport(s), newVulndbStatus(s))
	return c
}

func newVulndbUpdate(s *settings) *cobra.Command {
	var mirrors []string
	var plainHTTP bool
	c := &cobra.Command{
		Use:   "update",
		Short: "Fetch the newest database; an interrupted download continues",
		Long: `Fetches the newest vulnerability database from the first registry that answers,
mirror.gcr.io or else ghcr.io, and puts it in place when it is complete and
verified. Scans that run meanwhile go on with the one they began with. Without a
network, use plimsoll vulndb import.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			progress, done := showDownload(c.ErrOrStderr(), s.quiet)
			client := &registry.Client{PlainHTTP: plainHTTP}
			info, err := vulndb.Store{Dir: s.vulndbDir()}.Update(c.Context(), client, mirrors, progress)
			done()
			if err != nil {
				return err
			}
			return describeDatabase(c.OutOrStdout(), info)
		},
	}
	c.Flags().StringSliceVar(&mirrors, "vulndb-repository", databaseMirrors, "try these instead, in turn: a comma-separated `LIST` of host/name:tag")
	c.Flags().Lookup("vulndb-repository").DefValue = "[]" // the help tells the usual ones
	c.Flags().BoolVar(&plainHTTP, "plain-http", false, "speak to registries on this machine without TLS")
	return c
}

func newVulndbImport(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE|DIR",
		Short: "Install a database from a file or folder",
		Long: `Installs a vulnerability database from db.tar.gz, or from a folder that holds
trivy.db and metadata.json. Nothing changes when it can't be used.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError("name one file or folder: plimsoll vulndb import db.tar.gz")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := os.Stat(args[0]); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("no file or folder %q: check the path", args[0])
			}
			info, err := vulndb.Store{Dir: s.vulndbDir()}.Import(c.Context(), args[0])
			if err != nil {
				return err
			}
			return describeDatabase(c.OutOrStdout(), info)
		},
	}
}

func newVulndbStatus(s *settings) *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "status",
		Short: "Tell which database is installed and how old it is",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if format != "table" && format != "json" {
				return usageError("--format %q: use table or json", format)
			}
			status, err := vulndb.Store{Dir: s.vulndbDir()}.Status()
			if err != nil && !errors.Is(err, vulndb.ErrNone) {
				return err
			}
			if !status.Installed {
				status.Info = vulndb.Starter().Info()
			}
			if format == "json" {
				return writeStatus(c.OutOrStdout(), status)
			}
			if err := describeDatabase(c.OutOrStdout(), status.Info); err != nil {
				return err
			}
			if status.Installed {
				_, err = fmt.Fprintf(c.OutOrStdout(), "in %s, %s\n", status.Dir, units.HumanSize(float64(status.Size)))
			}
			return err
		},
	}
	c.Flags().StringVarP(&format, "format", "f", "table", "`FORMAT` of the answer: table or json")
	return c
}

func writeStatus(w io.Writer, status vulndb.Status) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(map[string]any{
		"database": map[string]any{
			"installed": status.Installed, "info": status.Info, "dir": status.Dir, "size": status.Size, "partial": status.Partial,
		},
	})
}

// describeDatabase tells a database in a sentence.
func describeDatabase(w io.Writer, info scanners.DatabaseInfo) error {
	if info.Kind == scanners.DatabaseStarter {
		_, err := fmt.Fprintf(w, "no database is installed: %d starter advisories are used; fetch the full database with plimsoll vulndb update\n", info.Advisories)
		return err
	}
	text := fmt.Sprintf("%s schema %d, facts of %s", info.Kind, info.Schema, info.UpdatedAt.Format("2006-01-02 15:04 MST"))
	if age := time.Since(info.UpdatedAt); age > 0 {
		text += fmt.Sprintf(" (%s old)", strings.ToLower(units.HumanDuration(age)))
	}
	if !info.NextUpdate.IsZero() && time.Now().After(info.NextUpdate) {
		text += "; a newer one is out: plimsoll vulndb update"
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// showDownload tells how far a download is: a renewed line on a terminal, and every quarter elsewhere.
func showDownload(w io.Writer, quiet bool) (progress func(done, total int64), end func()) {
	if quiet {
		return func(int64, int64) {}, func() {}
	}
	_, live := terminal(w)
	told := int64(-1)
	var last time.Time
	progress = func(done, total int64) {
		quarter := int64(0)
		if total > 0 {
			quarter = 4 * done / total
		}
		line := fmt.Sprintf("%s of %s", units.HumanSize(float64(done)), units.HumanSize(float64(total)))
		switch {
		case live && time.Since(last) > 100*time.Millisecond:
			last = time.Now()
			fmt.Fprintf(w, "\r\x1b[K%s", line)
		case !live && quarter > told:
			told = quarter
			fmt.Fprintln(w, line)
		}
	}
	return progress, func() {
		if live {
			fmt.Fprint(w, "\r\x1b[K")
		}
	}
}
