using Lorq.Runtime.Sessions;

namespace Lorq.Runtime;

public sealed partial class LorqSession
{
    /// <summary>
    /// Runs the model on many samples, several in one call: the inputs of consecutive samples that go together are put one behind the other along the dimension of the batch, and the outputs
    /// are cut up again. Samples go together that name the same outputs and adapters, give the same inputs, have the same lengths but for the batch and for inputs with a
    /// <see cref="LorqBatchOptions.Padding"/>, and the same elements in inputs without a batch. What a sample was filled up by is cut off its outputs again where the model gives the dimension the
    /// same name.
    /// </summary>
    /// <typeparam name="TSample">What a sample is.</typeparam>
    /// <typeparam name="TResult">What is wanted of it.</typeparam>
    /// <param name="samples">The samples. They are read as results are asked for, one batch and one sample ahead.</param>
    /// <param name="inputs">The inputs of a sample.</param>
    /// <param name="result">The result of a sample from its outputs, which are freed once it returns.</param>
    /// <param name="options">How large batches are, and what fills them up; null: up to 32 rows, and nothing.</param>
    /// <param name="cancellationToken">Stops a call between two nodes of the model.</param>
    /// <returns>The results in the order of the samples. A batch runs when the first of its results is asked for, and what that call throws is thrown there: see <see cref="Run(IReadOnlyList{InputTensor}, LorqRunOptions, CancellationToken)"/>.</returns>
    /// <exception cref="ArgumentException">The options name a dimension or an input that the model does not have.</exception>
    /// <exception cref="InvalidTensorException">A value for padding has another type than its input.</exception>
    /// <exception cref="NotSupportedException">The model has no free dimension that rows could lie along.</exception>
    public IEnumerable<TResult> RunBatches<TSample, TResult>(
        IEnumerable<TSample> samples,
        Func<TSample, BatchSample> inputs,
        Func<LorqOutputs, TResult> result,
        LorqBatchOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(result);
        options ??= new();
        ObjectDisposedException.ThrowIf(lifetime.IsClosed, this);
        return Batches(samples, inputs, result, new BatchLayout(signature, options, checkNames), cancellationToken);
    }

    private IEnumerable<TResult> Batches<TSample, TResult>(
        IEnumerable<TSample> samples,
        Func<TSample, BatchSample> inputs,
        Func<LorqOutputs, TResult> result,
        BatchLayout layout,
        CancellationToken cancellationToken
    )
    {
        var batch = new Batch(layout);
        foreach (TSample sample in samples)
        {
            SampleRows rows = layout.Check(inputs(sample));
            if (!batch.Takes(rows))
            {
                foreach (TResult one in Results(batch, result, cancellationToken))
                {
                    yield return one;
                }
                batch = new Batch(layout);
            }
            batch.Add(rows);
        }
        foreach (TResult one in Results(batch, result, cancellationToken))
        {
            yield return one;
        }
    }

    private IEnumerable<TResult> Results<TResult>(Batch batch, Func<LorqOutputs, TResult> result, CancellationToken cancellationToken)
    {
        if (batch.Samples.Count == 0)
        {
            yield break;
        }
        using LorqOutputs outputs = Run(batch, cancellationToken);
        for (int i = 0; i < batch.Samples.Count; i++)
        {
            TResult one;
            using (LorqOutputs? part = batch.Samples.Count > 1 ? batch.Cut(outputs, i) : null)
            {
                one = result(part ?? outputs);
            }
            yield return one;
        }
    }

    private LorqOutputs Run(Batch batch, CancellationToken cancellationToken)
    {
        BatchSample first = batch.Samples[0].Sample;
        if (batch.Samples.Count == 1)
        {
            return Run(first.Inputs, first.Options, cancellationToken);
        }
        using BatchInputs joined = batch.Join();
        return Run(joined.Tensors, first.Options, cancellationToken);
    }
}
