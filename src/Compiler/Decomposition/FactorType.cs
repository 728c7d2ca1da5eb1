namespace Lorq.Decomposition;

/// <summary>How the factors of a low-rank pair are stored.</summary>
public enum FactorType
{
    /// <summary>fp16, 2 bytes per value.</summary>
    Float16,

    /// <summary>Symmetric int8 with one fp16 scale per row of the left and per column of the right factor.</summary>
    Int8,
}

/// <summary>A low-rank pair without values: enough to know its bytes.</summary>
/// <param name="Rank">Columns of the left and rows of the right factor, r.</param>
/// <param name="Type">How both are stored.</param>
/// <param name="SharedBy">Sites that name the same group read the same input and store one left factor between them; null for a pair of its own.</param>
public sealed record FactorShape(int Rank, FactorType Type, string? SharedBy = null)
{
    /// <summary>A short name for tables, for example <c>r16·f8</c>.</summary>
    public override string ToString() => $"r{Rank}·{(Type == FactorType.Int8 ? "f8" : "f16")}{(SharedBy is null ? "" : " shared")}";
}
