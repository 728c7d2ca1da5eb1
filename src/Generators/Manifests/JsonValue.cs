namespace Lorq.Generators.Manifests;

/// <summary>The kinds of JSON values.</summary>
internal enum JsonKind
{
    Null,
    True,
    False,
    Number,
    String,
    Array,
    Object,
}

/// <summary>A JSON value and where it begins.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Offset">Where its text begins.</param>
/// <param name="Text">A number as it is written, a string without escapes.</param>
/// <param name="Items">The elements of an array.</param>
/// <param name="Members">The members of an object.</param>
internal sealed record JsonValue(
    JsonKind Kind,
    int Offset,
    string Text,
    IReadOnlyList<JsonValue> Items,
    IReadOnlyDictionary<string, JsonValue> Members
);

/// <summary>Text that is not JSON, or JSON that is not a manifest.</summary>
internal sealed class JsonFault(string message, int offset) : Exception(message)
{
    /// <summary>Where in the text.</summary>
    public int Offset { get; } = offset;
}
