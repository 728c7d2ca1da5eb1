using System.Globalization;
using System.Text.Json;
using Lorq.Diagnostics;

namespace Lorq.Specs;

/// <summary>What a key's value is.</summary>
internal enum SpecType
{
    Text,
    Number,
    Integer,
    Boolean,
    TextList,
    IntegerList,
}

/// <summary>
/// One key of the spec: the declaration that the parser, the JSON Schema, the documentation, the starting spec and the command
/// line's descriptions are made from.
/// </summary>
/// <typeparam name="T">What it is a key of.</typeparam>
/// <param name="Path">Its place, for example <c>menu.bits</c>.</param>
/// <param name="Type">Type of the value.</param>
/// <param name="Description">One sentence.</param>
/// <param name="Set">Applies a checked value: string, double, long, bool, or an array of strings or longs.</param>
/// <param name="Get">Reads the value; null when it is not set.</param>
internal sealed record SpecKey<T>(string Path, SpecType Type, string Description, Func<T, object, T> Set, Func<T, object?> Get)
{
    /// <summary>The allowed texts or whole numbers; null when any that <see cref="Minimum"/> and <see cref="Maximum"/> allow.</summary>
    public Func<IReadOnlyList<string>>? Choices { get; init; }

    /// <summary>Least number.</summary>
    public double Minimum { get; init; } = double.NegativeInfinity;

    /// <summary>Largest number.</summary>
    public double Maximum { get; init; } = double.PositiveInfinity;

    /// <summary>A number may stand for this text (a budget in bytes).</summary>
    public bool AcceptsNumber { get; init; }

    /// <summary>What a text with a syntax of its own has to be, in words; null when any text that is not empty will do.</summary>
    public string? Syntax { get; init; }

    /// <summary>True when the value is a list that chooses from <see cref="Choices"/>: something has to be left to choose, and nothing counts twice.</summary>
    public bool IsSelection => Type is SpecType.TextList or SpecType.IntegerList && Choices is not null;

    /// <summary>What the value has to be, in words.</summary>
    public string Expected =>
        Type switch
        {
            SpecType.Text => Choices is { } c ? "one of " + string.Join(", ", c()) : Syntax ?? "a string that is not empty",
            SpecType.Boolean => "true or false",
            SpecType.Number => "a number" + Range,
            SpecType.Integer => "a whole number" + Range,
            SpecType.TextList when Choices is null => "an array of strings that are not empty",
            _ => Choices is { } c ? "an array with at least one of " + string.Join(", ", c()) : "an array of whole numbers",
        };

    private string Range =>
        (double.IsFinite(Minimum), double.IsFinite(Maximum)) switch
        {
            (true, true) => FormattableString.Invariant($" from {Minimum} to {Maximum}"),
            (true, false) => FormattableString.Invariant($" of at least {Minimum}"),
            _ => "",
        };

    /// <summary>Checks a JSON value and applies it.</summary>
    /// <exception cref="LorqException">LORQ0204: another type or out of range.</exception>
    public T Apply(T target, SpecNode node)
    {
        object value = Type switch
        {
            SpecType.TextList or SpecType.IntegerList when node.Kind == JsonValueKind.Array => List(node),
            SpecType.TextList or SpecType.IntegerList => throw Wrong(node),
            _ => One(node, Type),
        };
        try
        {
            return Set(target, value);
        }
        catch (LorqException e) when (e.Location is null)
        {
            // A value with a syntax of its own, such as a budget.
            throw new LorqException(e.Diagnostic, node.Place, e.Arguments);
        }
    }

    private object List(SpecNode node)
    {
        SpecType item = Type == SpecType.TextList ? SpecType.Text : SpecType.Integer;
        object[] values = [.. node.Items.Select(i => One(i, item))];
        if (IsSelection && values.Length == 0)
        {
            throw Catalogue.WrongSpecValue.At(node.Place, Path, Expected, "none");
        }
        if (IsSelection && values.GroupBy(v => v).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw Catalogue.WrongSpecValue.At(node.Place, Path, Expected, $"{twice.Key} twice");
        }
        return item == SpecType.Text ? values.Cast<string>().ToArray() : values.Cast<long>().ToArray();
    }

    private object One(SpecNode node, SpecType type)
    {
        bool isNumber = double.TryParse(node.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number);
        object? value = (type, node.Kind) switch
        {
            (SpecType.Text, JsonValueKind.String) when node.Text.Length > 0 => node.Text,
            (SpecType.Text, JsonValueKind.Number) when AcceptsNumber => node.Text,
            (SpecType.Boolean, JsonValueKind.True) => true,
            (SpecType.Boolean, JsonValueKind.False) => false,
            (SpecType.Number, JsonValueKind.Number) when isNumber && double.IsFinite(number) && number >= Minimum && number <= Maximum =>
                number,
            (SpecType.Integer, JsonValueKind.Number)
                when long.TryParse(node.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole)
                    && whole >= Minimum
                    && whole <= Maximum => whole,
            _ => null,
        };
        return
            value is not null && (Choices is null || Choices().Contains(value is long l ? l.ToString(CultureInfo.InvariantCulture) : value))
            ? value
            : throw Wrong(node);
    }

    private LorqException Wrong(SpecNode node) => Catalogue.WrongSpecValue.At(node.Place, Path, Expected, node.Shown);
}
