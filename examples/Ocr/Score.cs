namespace Lorq.Examples.Ocr;

/// <summary>How well lines were read.</summary>
/// <param name="Errors">Sum of edit distances.</param>
/// <param name="Characters">Characters there were to read.</param>
/// <param name="Exact">Lines without an error.</param>
/// <param name="Lines">Lines.</param>
public readonly record struct Score(long Errors, long Characters, int Exact, int Lines)
{
    /// <summary>Errors per character.</summary>
    public double CharacterErrorRate => Characters == 0 ? 0 : (double)Errors / Characters;

    /// <summary>Share of lines without an error.</summary>
    public double ExactShare => Lines == 0 ? 0 : (double)Exact / Lines;

    /// <summary>With one more line.</summary>
    public Score Add(string read, string truth)
    {
        int distance = EditDistance.Between(read, truth);
        return new Score(Errors + distance, Characters + truth.Length, Exact + (distance == 0 ? 1 : 0), Lines + 1);
    }
}
