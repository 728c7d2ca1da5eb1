using System.Text;
using Microsoft.CodeAnalysis.CSharp;

namespace Lorq.Generators.Naming;

/// <summary>
/// C# names from the names in a model. A name depends on its own tensor alone, unless two tensors would share one: the later one in the model's order gets a number then.
/// </summary>
internal static class Identifiers
{
    /// <summary>What a record has already, or reserves.</summary>
    private static readonly HashSet<string> taken =
    [
        "Adapters",
        "Clone",
        "Deconstruct",
        "Dispose",
        "EqualityContract",
        "Equals",
        "Finalize",
        "GetHashCode",
        "GetType",
        "MemberwiseClone",
        "Next",
        "Owner",
        "PrintMembers",
        "ReferenceEquals",
        "Start",
        "ToString",
    ];

    /// <summary>Members of a model's class, which it cannot be called by.</summary>
    private static readonly HashSet<string> members =
    [
        "Adapters",
        "Buffers",
        "Dispose",
        "Inputs",
        "Load",
        "LoadAdapter",
        "ModelFile",
        "Outputs",
        "Padding",
        "Resource",
        "ResourceName",
        "Run",
        "RunAsync",
        "RunBatches",
        "RunInto",
        "RunIntoAsync",
        "RunSpans",
        "Session",
        "Views",
    ];

    /// <summary>Names of properties, one per name of a tensor, all different.</summary>
    /// <param name="names">The tensors' names, in the model's order.</param>
    /// <param name="kind"><c>Input</c> or <c>Output</c>: for a name that has no letter to begin with.</param>
    /// <param name="types">The types that have the properties, whose names these cannot be.</param>
    public static IReadOnlyList<string> Properties(IEnumerable<string> names, string kind, params string[] types)
    {
        var used = new HashSet<string>(taken, StringComparer.Ordinal);
        used.UnionWith(types);
        return [.. names.Select((name, i) => Distinct(Pascal(name, kind, i), kind, used))];
    }

    /// <summary>Names of parameters for properties, keywords with their <c>@</c>.</summary>
    /// <param name="properties">Names of properties.</param>
    public static IReadOnlyList<string> Parameters(IEnumerable<string> properties)
    {
        var used = new HashSet<string>(StringComparer.Ordinal) { "cancellationToken", "views", "session" };
        return
        [
            .. properties
                .Select(p => Distinct(char.ToLowerInvariant(p[0]) + p.Substring(1), "Tensor", used))
                .Select(p => IsKeyword(p) ? "@" + p : p),
        ];
    }

    /// <summary>Words of letters and digits, each with a capital first letter: <c>input_ids</c> is <c>InputIds</c>.</summary>
    /// <param name="name">Any text.</param>
    /// <param name="prefix">Stands before what does not begin with a letter.</param>
    /// <param name="index">Place of the tensor, which names it where its own name has no letter and no digit.</param>
    public static string Pascal(string name, string prefix, int index)
    {
        var identifier = new StringBuilder(name.Length);
        bool capital = true;
        foreach (char c in name)
        {
            bool wordless =
                c == '_'
                || !SyntaxFacts.IsIdentifierPartCharacter(c)
                || char.GetUnicodeCategory(c) == System.Globalization.UnicodeCategory.Format;
            if (wordless)
            {
                // Between digits the separator carries meaning: 1.5 is not 15.
                capital = true;
                if (identifier.Length > 0 && char.IsDigit(identifier[identifier.Length - 1]))
                {
                    identifier.Append('_');
                }
                continue;
            }
            if (identifier.Length > 0 && identifier[identifier.Length - 1] == '_' && !char.IsDigit(c))
            {
                identifier.Length--;
            }
            identifier.Append(capital ? char.ToUpperInvariant(c) : c);
            capital = false;
        }
        while (identifier.Length > 0 && identifier[identifier.Length - 1] == '_')
        {
            identifier.Length--;
        }
        if (identifier.Length == 0)
        {
            return $"{prefix}{index + 1}";
        }
        return SyntaxFacts.IsIdentifierStartCharacter(identifier[0]) ? identifier.ToString() : prefix + identifier;
    }

    /// <summary>A name of a class from any text; one that a member has gets <c>Model</c> behind it.</summary>
    public static string ClassName(string text)
    {
        string name = Pascal(text, "Model", 0);
        return IsClassName(name) ? name : name + "Model";
    }

    /// <summary>Whether a class for a model may have a name.</summary>
    public static bool IsClassName(string text) => IsIdentifier(text) && !members.Contains(text);

    /// <summary>Whether a text is one identifier, no keyword.</summary>
    public static bool IsIdentifier(string text) =>
        SyntaxFacts.IsValidIdentifier(text) && !IsKeyword(text) && SyntaxFacts.GetContextualKeywordKind(text) == SyntaxKind.None;

    /// <summary>A namespace with <c>@</c> before keywords; null where it is none.</summary>
    public static string? Namespace(string text)
    {
        string[] parts = text.Split('.');
        return Array.TrueForAll(parts, SyntaxFacts.IsValidIdentifier)
            ? string.Join(".", parts.Select(p => IsKeyword(p) ? "@" + p : p))
            : null;
    }

    private static bool IsKeyword(string text) => SyntaxFacts.GetKeywordKind(text) != SyntaxKind.None;

    private static string Distinct(string name, string suffix, HashSet<string> used)
    {
        if (used.Add(name))
        {
            return name;
        }
        if (taken.Contains(name) && used.Add(name + suffix))
        {
            return name + suffix;
        }
        int number = 2;
        while (!used.Add($"{name}_{number}"))
        {
            number++;
        }
        return $"{name}_{number}";
    }
}
