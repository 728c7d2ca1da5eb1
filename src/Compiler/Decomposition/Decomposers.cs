namespace Lorq.Decomposition;

/// <summary>The decomposers there are.</summary>
public static class Decomposers
{
    /// <summary>Every decomposer; to add one, write its file and add its line.</summary>
    public static IReadOnlyList<IDecomposer> All { get; } =
    [new PlainSvd(), new ExactSvd(), new LqLora(), new Alternation(rounds: 5, quarters: [0, 1, 2, 4])];
}
