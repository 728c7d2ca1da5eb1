namespace Lorq.Runtime.Sessions;

/// <summary>The lengths that named dimensions have in the inputs of one call: a name stands for one length (ONNX IR, "Static tensor shapes").</summary>
internal sealed class NamedDimensions
{
    private readonly List<(string Symbol, long Length, string Input)> known = [];

    /// <summary>Takes the dimensions of an input, whose rank is checked.</summary>
    /// <param name="what">The input as an error states it.</param>
    /// <param name="info">What the model says of it.</param>
    /// <param name="dims">Its dimensions.</param>
    /// <exception cref="InvalidTensorException">A name has another length than before.</exception>
    public void Add(string what, TensorInfo info, long[] dims)
    {
        for (int i = 0; i < info.Dimensions.Count; i++)
        {
            if (info.Dimensions[i].Symbol is not { } symbol)
            {
                continue;
            }
            if (Contradiction(what, info, dims, i) is { } contradiction)
            {
                throw contradiction;
            }
            known.Add((symbol, dims[i], info.Name));
        }
    }

    /// <summary>What is wrong with the dimensions of a tensor by those that are known; null: nothing.</summary>
    public InvalidTensorException? Contradiction(string what, TensorInfo info, long[] dims) =>
        Enumerable.Range(0, info.Dimensions.Count).Select(i => Contradiction(what, info, dims, i)).FirstOrDefault(e => e is not null);

    private InvalidTensorException? Contradiction(string what, TensorInfo info, long[] dims, int dimension)
    {
        int before = known.FindIndex(k => string.Equals(k.Symbol, info.Dimensions[dimension].Symbol, StringComparison.Ordinal));
        if (before < 0 || known[before].Length == dims[dimension])
        {
            return null;
        }
        string where = known[before].Input == info.Name ? "the same input" : $"input '{known[before].Input}'";
        return new(
            $"{what} has shape [{string.Join(", ", dims)}]: dimension {dimension} is '{known[before].Symbol}', which is {known[before].Length} in {where}; the model says {info}.",
            info.Name
        );
    }
}
