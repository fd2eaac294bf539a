package app

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpTemplate lays out the help of every command at 80 columns, in cobra's template language.
const helpTemplate = `{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}

{{end}}Usage:
  {{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND{{else}}{{if .HasParent}}{{.Parent.CommandPath}} {{end}}{{.Use}}{{end}} [options]
{{- if .HasExample}}

Examples:
{{.Example}}
{{- end}}
{{- if .HasAvailableSubCommands}}

Commands:
{{- range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{- end}}
{{- if .HasAvailableLocalFlags}}

Options:
{{.LocalFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}
{{- end}}
{{- if .HasAvailableInheritedFlags}}

Options of every command:
{{.InheritedFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}
{{- end}}
{{- if .HasAvailableSubCommands}}

{{.CommandPath}} COMMAND --help tells more about a command.
{{- end}}
`

// setHelp puts help into our words, also that of the commands and options that cobra adds to every program.
func setHelp(root *cobra.Command) {
	root.SetHelpTemplate(helpTemplate)
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Short = "Print a script that completes commands and options in a shell"
		c.Long = "Prints a script that completes commands and options when you press the tab key."
		c.Example = `  source <(plimsoll completion bash)
  plimsoll completion zsh >"${fpath[1]}/_plimsoll"
  plimsoll completion fish >~/.config/fish/completions/plimsoll.fish`
		c.Args = noArguments
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		for _, shell := range c.Commands() {
			shell.Short = "Print the script for " + shell.Name()
			shell.Long = ""
			shell.Args = noArguments
			shell.Flags().Lookup("no-descriptions").Usage = "complete without descriptions"
		}
	}
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Tell about a command",
		RunE: func(c *cobra.Command, args []string) error {
			told, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return noArguments(told, rest)
			}
			told.InitDefaultHelpFlag()
			return told.Help()
		},
	})
	describeHelpFlags(root)
}

// describeHelpFlags words the --help of a command and of those below it.
func describeHelpFlags(c *cobra.Command) {
	c.InitDefaultHelpFlag()
	c.Flags().Lookup("help").Usage = "tell about this command"
	for _, sub := range c.Commands() {
		describeHelpFlags(sub)
	}
}

// unquoteUsage takes the quotes that mark placeholders out of the descriptions, which shells show as they are.
func unquoteUsage(c *cobra.Command) {
	unquote := func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") }
	c.Flags().VisitAll(unquote)
	c.PersistentFlags().VisitAll(unquote)
	for _, sub := range c.Commands() {
		unquoteUsage(sub)
	}
}
