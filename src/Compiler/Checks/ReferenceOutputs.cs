using Lorq.Calibration;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Checks;

/// <summary>
/// The original model's outputs on a data set, computed once and compared with many compressed models: per batch the values
/// as fp32 (rows under the mask dropped) and per row the energy, the log of the softmax's denominator and the best class.
/// Memory is bounded by holding a prefix of the data set: a batch that would pass the limit is not taken, nor any after it
/// (the first batch is always taken). Building a batch needs no copy beyond what is held.
/// </summary>
public sealed class ReferenceOutputs
{
    /// <summary>The memory limit unless another is given: 512 MiB, 32 000 rows of 4 096 classes.</summary>
    public const long DefaultMemoryLimit = 512L << 20;

    private readonly List<ReferenceBatch> batches = [];
    private readonly ClassAxis?[] axes;
    private readonly string? maskInput;
    private readonly long memoryLimit;
    private readonly int threads;

    /// <summary>Starts empty.</summary>
    /// <param name="outputs">The outputs that will be given, in order.</param>
    /// <param name="maskInput">The input whose zeros mark padding; null when there is none.</param>
    /// <param name="memoryLimit">Bytes that may be held.</param>
    /// <param name="threads">Threads; 0 for one per core.</param>
    public ReferenceOutputs(
        IReadOnlyList<TensorSignature> outputs,
        string? maskInput,
        long memoryLimit = DefaultMemoryLimit,
        int threads = 0
    )
    {
        Outputs = outputs;
        axes = new ClassAxis?[outputs.Count];
        this.maskInput = maskInput;
        this.memoryLimit = memoryLimit;
        this.threads = threads;
    }

    /// <summary>The outputs.</summary>
    public IReadOnlyList<TensorSignature> Outputs { get; }

    /// <summary>Batches held: the first ones of the data set.</summary>
    public int Count => batches.Count;

    /// <summary>Bytes held.</summary>
    public long Bytes { get; private set; }

    /// <summary>True once a batch was refused.</summary>
    public bool IsFull { get; private set; }

    /// <summary>Takes the next batch, if it fits.</summary>
    /// <param name="batchInputs">The inputs the original was run on (read for the mask and the number of samples).</param>
    /// <param name="original">Its outputs, in the order of <see cref="Outputs"/>; not needed after the call.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>False when memory is full: this batch and all later ones are not held.</returns>
    /// <exception cref="Diagnostics.LorqException">LORQ0803: the batch lacks the mask input.</exception>
    public bool TryAdd(
        IReadOnlyDictionary<string, DataTensor> batchInputs,
        IReadOnlyList<OrtValue> original,
        CancellationToken cancellationToken = default
    )
    {
        if (IsFull)
        {
            return false;
        }
        var batch = ReferenceBatch.Of(Outputs, axes, maskInput, batchInputs, original, threads, cancellationToken);
        if (batches.Count > 0 && Bytes + batch.Bytes > memoryLimit)
        {
            IsFull = true;
            return false;
        }
        Bytes += batch.Bytes;
        batches.Add(batch.Own());
        return true;
    }

    /// <summary>A batch.</summary>
    internal ReferenceBatch this[int index] => batches[index];
}
