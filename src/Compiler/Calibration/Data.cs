using Lorq.Onnx;

namespace Lorq.Calibration;

/// <summary>A dense tensor of data: what an .npy file or a TensorProto file holds.</summary>
/// <param name="ElementType">ONNX element type.</param>
/// <param name="Shape">Dimensions.</param>
/// <param name="Bytes">Little-endian, row-major.</param>
public sealed record DataTensor(TensorProto.Types.DataType ElementType, long[] Shape, byte[] Bytes);

/// <summary>
/// Calibration or evaluation data: batches ready to feed. Arrays whose first axis is the model's symbolic batch axis are cut
/// into batches; a test_data_set folder is one batch.
/// </summary>
/// <param name="Batches">Input name → tensor, in order.</param>
/// <param name="Source">Where it came from, for reports.</param>
public sealed record DataSet(IReadOnlyList<IReadOnlyDictionary<string, DataTensor>> Batches, string Source)
{
    /// <summary>Number of samples.</summary>
    public long Samples => Batches.Sum(SamplesOf);

    /// <summary>Per batch, where each of its samples came from; empty when that is not known (data made up in memory).</summary>
    public IReadOnlyList<IReadOnlyList<SampleOrigin>> Origins { get; init; } = [];

    /// <summary>The first batches, until they hold so many samples; all where there are no more. Without origins.</summary>
    public DataSet First(long samples)
    {
        long found = 0;
        return new DataSet([.. Batches.TakeWhile(IsWanted)], Source);

        bool IsWanted(IReadOnlyDictionary<string, DataTensor> batch)
        {
            bool isWanted = found < samples;
            found += SamplesOf(batch);
            return isWanted;
        }
    }

    private static long SamplesOf(IReadOnlyDictionary<string, DataTensor> batch) => batch.Values.First().Shape.FirstOrDefault(1);
}

/// <summary>Where a sample came from, for errors.</summary>
/// <param name="Source">The file or folder.</param>
/// <param name="Index">The sample's place in it, from 0.</param>
public sealed record SampleOrigin(string Source, int Index);
