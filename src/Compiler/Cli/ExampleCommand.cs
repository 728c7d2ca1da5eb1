using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Lorq.Cli;

/// <summary>A command with worked examples, which its help shows after the options.</summary>
internal sealed class ExampleCommand(string name, string description, string examples) : Command(name, description)
{
    /// <summary>Command lines, one per line.</summary>
    public string Examples { get; } = examples;
}

/// <summary>The usual help, followed by the command's examples.</summary>
internal sealed class HelpWithExamples(HelpAction usual) : SynchronousCommandLineAction
{
    /// <inheritdoc />
    public override int Invoke(ParseResult parseResult)
    {
        int code = usual.Invoke(parseResult);
        string examples = parseResult.CommandResult.Command is ExampleCommand own ? own.Examples : Program.RootExamples;
        TextWriter output = parseResult.InvocationConfiguration.Output;
        output.WriteLine("Examples:");
        foreach (string line in examples.Split('\n'))
        {
            output.WriteLine("  " + line.TrimEnd('\r'));
        }
        return code;
    }
}
