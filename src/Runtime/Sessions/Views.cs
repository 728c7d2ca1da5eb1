namespace Lorq.Runtime.Sessions;

/// <summary>Up to four views.</summary>
internal readonly ref struct FourViews(TensorView first, TensorView second, TensorView third, TensorView fourth) : ITensorViews
{
    private readonly TensorView first = first;
    private readonly TensorView second = second;
    private readonly TensorView third = third;
    private readonly TensorView fourth = fourth;

    /// <inheritdoc/>
    public int Count => 4;

    /// <inheritdoc/>
    public TensorView this[int index] =>
        index switch
        {
            0 => first,
            1 => second,
            2 => third,
            _ => fourth,
        };
}

/// <summary>A buffer.</summary>
internal readonly ref struct OneBuffer(TensorBuffer buffer) : ITensorBuffers
{
    private readonly TensorBuffer buffer = buffer;

    /// <inheritdoc/>
    public int Count => 1;

    /// <inheritdoc/>
    public TensorBuffer this[int index] => buffer;
}

/// <summary>Views over a list.</summary>
internal readonly struct ListViews(IReadOnlyList<InputTensor> tensors) : ITensorViews
{
    /// <inheritdoc/>
    public int Count => tensors.Count;

    /// <inheritdoc/>
    public TensorView this[int index] => (tensors[index] ?? throw new ArgumentException("An input of the list is null.")).View();
}

/// <summary>Buffers over a list.</summary>
internal readonly struct ListBuffers(IReadOnlyList<OutputTensor> tensors) : ITensorBuffers
{
    /// <inheritdoc/>
    public int Count => tensors.Count;

    /// <inheritdoc/>
    public TensorBuffer this[int index] => (tensors[index] ?? throw new ArgumentException("An output of the list is null.")).Buffer();
}
