namespace Lorq.Specs;

/// <summary>How large the written file may be.</summary>
public abstract record SizeBudget
{
    /// <summary>A share of the original file.</summary>
    /// <param name="Value">Percent.</param>
    public sealed record Percent(double Value) : SizeBudget;

    /// <summary>A number of bytes.</summary>
    /// <param name="Value">Bytes.</param>
    public sealed record Bytes(long Value) : SizeBudget;

    /// <summary>An average over the weights of all sites.</summary>
    /// <param name="Value">Bits per weight.</param>
    public sealed record BitsPerWeight(double Value) : SizeBudget;
}
