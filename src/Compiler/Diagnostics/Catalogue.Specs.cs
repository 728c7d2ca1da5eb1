namespace Lorq.Diagnostics;

public static partial class Catalogue
{
    /// <summary>A budget that is none.</summary>
    public static readonly Diagnostic MalformedBudget = new(
        "LORQ0201",
        "A budget cannot be read",
        "'{0}' is no budget.",
        "A budget is a share of the file (at most 1000%), a number of bytes (at most 8 PiB) or an average of bits per weight (at most 64), and above zero.",
        "Write it like 25%, 14.66MB, 12299000 or 3.5bpw."
    );

    /// <summary>Not JSON.</summary>
    public static readonly Diagnostic MalformedSpec = new(
        "LORQ0202",
        "A spec is not JSON",
        "The spec cannot be read: {0}.",
        "A bracket, quote or comma is missing, or the file is something else.",
        "'lorq init MODEL' writes a spec to start from."
    );

    /// <summary>An unknown key.</summary>
    public static readonly Diagnostic UnknownSpecKey = new(
        "LORQ0203",
        "A spec has an unknown key",
        "There is no key '{0}'; {1}",
        "The key was misspelt or stands in the wrong section.",
        "The keys are listed in docs/spec.md and by 'lorq schema'."
    );

    /// <summary>A value of the wrong kind.</summary>
    public static readonly Diagnostic WrongSpecValue = new(
        "LORQ0204",
        "A spec has a value of the wrong kind",
        "'{0}' wants {1}, but has {2}.",
        "The value has another type, or is out of the allowed range.",
        "The keys and their values are listed in docs/spec.md and by 'lorq schema'."
    );

    /// <summary>A key twice.</summary>
    public static readonly Diagnostic DuplicateSpecKey = new(
        "LORQ0205",
        "A spec has a key twice",
        "The key '{0}' stands here a second time.",
        "Two values for one key; which one is meant cannot be known.",
        "Remove one of them."
    );

    /// <summary>No budget.</summary>
    public static readonly Diagnostic NoBudget = new(
        "LORQ0206",
        "No budget is given",
        "No budget is given for '{0}'.",
        "Neither the command line nor the spec says how large the file may be.",
        "Add --budget 25% (or 14.66MB, 12299000, 3.5bpw), or --max-loss 0.01 for the smallest file with that loss; or the keys budget or maxLoss to the spec."
    );
}
