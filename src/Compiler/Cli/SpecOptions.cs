using System.CommandLine;
using System.Text;
using System.Text.Json;
using Lorq.Diagnostics;
using Lorq.Specs;

namespace Lorq.Cli;

/// <summary>
/// The options of <c>compress</c> that are keys of the spec: one per key, made from the same declaration, so that what a spec can say
/// the command line can say too. Options override the spec file.
/// </summary>
internal sealed class SpecOptions
{
    private readonly List<(SpecKey<CompressionSpec> Key, Option Option)> options = [];

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="without">Paths of keys that mean nothing to it.</param>
    public SpecOptions(Command command, params string[] without)
    {
        foreach (SpecKey<CompressionSpec> key in SpecKeys.All.Where(k => !without.Contains(k.Path)))
        {
            string name = Name(key.Path);
            Option option = key.Type switch
            {
                SpecType.Boolean => new Option<bool>(name) { Description = key.Description },
                SpecType.TextList or SpecType.IntegerList => new Option<string[]>(name)
                {
                    Description = key.Description,
                    HelpName = Placeholder(key),
                    AllowMultipleArgumentsPerToken = true,
                    Arity = ArgumentArity.OneOrMore,
                },
                _ => new Option<string>(name)
                {
                    Description = key.Description,
                    HelpName = Placeholder(key),
                    Arity = ArgumentArity.ExactlyOne,
                },
            };
            options.Add((key, option));
            command.Options.Add(option);
        }
    }

    /// <summary>The option of a key, for example <c>--bits</c> of <c>menu.bits</c>.</summary>
    public static string Name(string path)
    {
        if (path == "calibration.data")
        {
            return "--calibration";
        }
        string last = path.StartsWith("accuracy.", StringComparison.Ordinal) ? path.Replace('.', '-') : path[(path.LastIndexOf('.') + 1)..];
        var name = new StringBuilder("--");
        foreach (char c in last)
        {
            name.Append(char.IsUpper(c) ? "-" : "").Append(char.ToLowerInvariant(c));
        }
        return name.ToString();
    }

    /// <summary>Applies the options that were given.</summary>
    public CompressionSpec Apply(CompressionSpec spec, ParseResult parsed)
    {
        foreach ((SpecKey<CompressionSpec> key, Option option) in options)
        {
            if (parsed.GetResult(option) is null or { Implicit: true })
            {
                continue;
            }
            spec = key.Apply(spec, Node(key, option, parsed));
        }
        return spec.Accuracy?.Problem is { } problem
            ? throw Catalogue.WrongUsage.With(
                $"--accuracy-metric and --accuracy-limit want {AccuracyLimit.Expected}, but have {problem}",
                "lorq compress"
            )
            : spec;
    }

    private static SpecNode Node(SpecKey<CompressionSpec> key, Option option, ParseResult parsed)
    {
        var place = new SourceLocation(option.Name);
        if (option is Option<bool> flag)
        {
            return new SpecNode(parsed.GetValue(flag) ? JsonValueKind.True : JsonValueKind.False, "", [], [], place);
        }
        string[] values = option is Option<string[]> list ? parsed.GetValue(list)! : [parsed.GetValue((Option<string>)option)!];
        // Paths and patterns may hold commas; numbers and names do not.
        bool splits = key.IsSelection;
        string[] items = splits
            ? [.. values.SelectMany(v => v.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))]
            : values;
        JsonValueKind kind = key.Type is SpecType.Integer or SpecType.Number or SpecType.IntegerList
            ? JsonValueKind.Number
            : JsonValueKind.String;
        return key.Type is SpecType.TextList or SpecType.IntegerList
            ? new SpecNode(JsonValueKind.Array, "", [.. items.Select(i => new SpecNode(kind, i, [], [], place))], [], place)
            : new SpecNode(kind, items[^1], [], [], place);
    }

    private static string Placeholder(SpecKey<CompressionSpec> key) =>
        key.Choices is { } choices
            ? string.Join(key.Type is SpecType.TextList or SpecType.IntegerList ? "," : "|", choices())
            : key.Type switch
            {
                SpecType.Integer => "n",
                SpecType.Number => "x",
                _ => key.Path switch
                {
                    "budget" => "25%",
                    "calibration.data" => "path",
                    "exclude" => "pattern",
                    _ => "name",
                },
            };
}
