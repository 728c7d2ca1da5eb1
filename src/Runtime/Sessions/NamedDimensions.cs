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
            int before = known.FindIndex(k => string.Equals(k.Symbol, symbol, StringComparison.Ordinal));
            if (before < 0)
            {
                known.Add((symbol, dims[i], info.Name));
            }
            else if (known[before].Length != dims[i])
            {
                string where = known[before].Input == info.Name ? "the same input" : $"input '{known[before].Input}'";
                throw new InvalidTensorException(
                    $"{what} has shape [{string.Join(", ", dims)}]: dimension {i} is '{symbol}', which is {known[before].Length} in {where}; the model says {info}.",
                    info.Name
                );
            }
        }
    }
}
