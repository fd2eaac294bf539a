package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plimsoll/backend/report"
	"plimsoll/scanners"
	"plimsoll/scanners/assess"
	"plimsoll/scanners/image"
	"plimsoll/scanners/vulndb"
	"plimsoll/storage"
)

// scanOptions are shared by all scans.
type scanOptions struct {
	settings *settings
	format   string
	output   string
	failOn   string
	severity []string
	fixable  bool
	ignore   string
	vulndb   string
	all      bool
	workers  int
}

func newScan(s *settings) *cobra.Command {
	c := &cobra.Command{
		Use:   "scan",
		Short: "Assess images",
		Args:  noArguments,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newScanImage(s))
	return c
}

func (o *scanOptions) register(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVarP(&o.format, "format", "f", "table", "`FORMAT` of the result: table, json or sarif")
	flags.StringVarP(&o.output, "output", "o", "", "write the result to `FILE` instead of standard output")
	flags.StringVar(&o.failOn, "fail-on", "", "exit with status 1 when a finding has at least this `SEVERITY`: critical, high, medium or low")
	flags.StringSliceVar(&o.severity, "severity", nil, "show only findings of these severities: a comma-separated `LIST` of critical, high, medium, low, unknown")
	flags.BoolVar(&o.fixable, "fixable", false, "show only findings that an upgrade clears")
	flags.StringVar(&o.ignore, "ignore-file", "", "YAML `FILE` of findings to leave out, each with its reason (default "+defaultIgnore+" if it exists)")
	flags.StringVar(&o.vulndb, "vulndb", "", "use the vulnerability database in `DIR` (trivy.db and metadata.json) instead of the installed one")
	flags.Bool("offline", false, "fetch nothing: use what is on this machine and in the engine, as scans do anyway")
	flags.BoolVar(&o.all, "all-rows", false, "show every row of the table, not only the most pressing")
	flags.IntVar(&o.workers, "workers", 0, "analyse `N` layers at the same time (default one for each processor)")
}

// plan is what the options mean, once they are known to be right.
type plan struct {
	options  *scanOptions
	failOn   scanners.Severity // SeverityUnknown: never
	severity []scanners.Severity
	ignore   report.IgnoreFile
	database *vulndb.Database
}

// plan checks everything that can be wrong before any work is done.
func (o *scanOptions) plan(c *cobra.Command) (*plan, error) {
	p := &plan{options: o}
	if !slices.Contains([]string{"table", "json", "sarif"}, o.format) {
		return nil, usageError("--format %q: use table, json or sarif", o.format)
	}
	if o.failOn != "" {
		severity, err := scanners.ParseSeverity(o.failOn)
		if err != nil || severity == scanners.SeverityUnknown {
			return nil, usageError("--fail-on %q: use critical, high, medium or low", o.failOn)
		}
		p.failOn = severity
	}
	for _, name := range o.severity {
		severity, err := scanners.ParseSeverity(name)
		if err != nil {
			return nil, usageError("--severity: %v", err)
		}
		p.severity = append(p.severity, severity)
	}
	if o.workers < 0 {
		return nil, usageError("--workers %d: use a positive number", o.workers)
	}
	if err := p.readIgnore(); err != nil {
		return nil, err
	}
	if err := checkOutput(c, o.output); err != nil {
		return nil, err
	}
	var err error
	p.database, err = o.openDatabase()
	return p, err
}

// defaultIgnore is the ignore file that is used when it exists and none is named.
const defaultIgnore = ".plimsollignore.yaml"

func (p *plan) readIgnore() error {
	name := p.options.ignore
	if name == "" {
		if _, err := os.Stat(defaultIgnore); err != nil {
			return nil
		}
		name = defaultIgnore
	}
	file, err := os.Open(name)
	if err != nil {
		return usageError("--ignore-file: %v", err)
	}
	defer file.Close()
	if p.ignore, err = report.ReadIgnoreFile(file, name); err != nil {
		return usageError("%v", err)
	}
	return nil
}

// openDatabase opens the database that was named, else the installed one, else the advisories in the program.
func (o *scanOptions) openDatabase() (*vulndb.Database, error) {
	if o.vulndb != "" {
		return vulndb.Open(o.vulndb)
	}
	db, err := vulndb.Store{Dir: o.settings.vulndbDir()}.Open()
	if errors.Is(err, vulndb.ErrNone) {
		return vulndb.Starter(), nil
	}
	return db, err
}

// run assesses the sources, prints the report, and gives the error that sets the exit status.
func (p *plan) run(c *cobra.Command, sources []scanners.ImageSource) error {
	assessor := &assess.Assessor{
		Store:    storage.OpenLayers(p.options.settings.layerDir(), image.Version),
		Database: p.database,
		Workers:  p.options.workers,
		Now:      time.Now,
		Version:  programVersion(),
	}
	stop := showProgress(c.ErrOrStderr(), assessor.Progress, p.options.settings.quiet)
	result := assessor.Images(c.Context(), sources)
	stop()
	result.Notes = p.ignore.Apply(&result, result.Run.StartedAt)
	failed := p.fails(result)
	p.narrow(&result)
	if err := p.print(c, result); err != nil {
		return err
	}
	return p.status(c.Context(), result, failed)
}

// fails says whether a finding is at or above --fail-on, whatever is shown.
func (p *plan) fails(r scanners.Report) bool {
	return p.failOn != scanners.SeverityUnknown && slices.ContainsFunc(r.Findings, func(f scanners.Finding) bool { return f.Severity >= p.failOn })
}

// only says in words what --severity and --fixable ask for; "" when they ask for everything.
func (p *plan) only() string {
	var words []string
	for _, s := range p.severity {
		words = append(words, s.String())
	}
	only := strings.Join(words, ", ")
	if p.options.fixable {
		only = strings.TrimSpace("fixable " + only)
	}
	return only
}

// narrow takes out what is not asked for, and says so.
func (p *plan) narrow(r *scanners.Report) {
	only := p.only()
	if only == "" {
		return
	}
	taken := report.Keep(r, func(f scanners.Finding) bool {
		return (len(p.severity) == 0 || slices.Contains(p.severity, f.Severity)) && (!p.options.fixable || f.FixedVersion != "")
	})
	if len(taken) > 0 {
		hidden := fmt.Sprintf("%d findings are", len(taken))
		if len(taken) == 1 {
			hidden = "1 finding is"
		}
		r.Notes = append(r.Notes, fmt.Sprintf("%s not shown: only %s ones were asked for", hidden, only))
	}
}

func (p *plan) print(c *cobra.Command, r scanners.Report) error {
	out, err := openOutput(c, p.options.output)
	if err != nil {
		return err
	}
	return out.finish(p.write(out, r))
}

func (p *plan) write(out *output, r scanners.Report) error {
	switch p.options.format {
	case "json":
		return report.WriteJSON(out, r)
	case "sarif":
		return report.WriteSARIF(out, r)
	default:
		columns, isTerminal := terminal(out.Writer)
		return report.WriteTable(out, r, report.Options{
			Width: columns, Color: isTerminal && os.Getenv("NO_COLOR") == "", All: p.options.all, Only: p.only(),
		})
	}
}

// status is the exit status that the report asks for. Findings count more than gaps: they are certain.
func (p *plan) status(ctx context.Context, r scanners.Report, failed bool) error {
	if failed {
		return &exitError{status: exitFindings}
	}
	var missed []string
	for _, cover := range r.Coverage {
		if isMissed(cover) {
			missed = append(missed, tell(cover, r.Assets))
		}
	}
	if ctx.Err() != nil {
		return &exitError{exitNotAssessed, "stopped before the end; the result is partial"}
	}
	if len(missed) == 0 {
		return nil
	}
	message := missed[0]
	if len(missed) > 1 {
		message += fmt.Sprintf(" (and %d more that could not be assessed)", len(missed)-1)
	}
	return &exitError{exitNotAssessed, strings.ReplaceAll(message, "\n", " ")}
}

// isMissed says whether something that was asked for could not be assessed. What is known of a distribution that gets no
// more advisories, or of a package whose version can't be compared, is partial by nature; a list of packages is not.
func isMissed(c scanners.Coverage) bool {
	return c.State == scanners.CoverageFailed || c.State == scanners.CoverageSkipped ||
		c.State == scanners.CoveragePartial && c.Scanner == scanners.ScannerPackages
}

// tell is what happened to what, in a sentence that names the image.
func tell(c scanners.Coverage, assets []scanners.Asset) string {
	text := c.Reason
	if !strings.Contains(text, c.Subject) {
		text = c.Subject + ": " + text
	}
	for _, a := range assets {
		if a.Key == c.Asset && !strings.Contains(text, a.Name) {
			return a.Name + ": " + text
		}
	}
	return text
}
