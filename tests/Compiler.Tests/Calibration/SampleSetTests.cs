using System.Runtime.InteropServices;
using Lorq.Calibration;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Calibration;

public sealed class SampleSetTests
{
    [Theory]
    [InlineData(2, 0.25, 1)]
    [InlineData(7, 0.25, 2)]
    [InlineData(8, 0.25, 2)]
    [InlineData(64, 0.25, 16)]
    [InlineData(10, 0.9, 9)]
    public void HeldOutSamplesAreDisjointAndNothingIsLost(int count, double share, int expected)
    {
        (DataSet data, DataSet heldOut, bool isSame) = Samples(count).Split(share, 4);
        int[] kept = Indices(data);
        int[] aside = Indices(heldOut);
        Assert.False(isSame);
        Assert.Equal(expected, aside.Length);
        Assert.Equal(Enumerable.Range(0, count), kept.Concat(aside).Order());
        // The origins name the samples whose values are in the batches.
        Assert.Equal(kept, Values(data));
        Assert.Equal(aside, Values(heldOut));
        Assert.Equal(aside, Indices(Samples(count).Split(share, 4).HeldOut));
    }

    [Fact]
    public void EveryFourthIsHeldOut()
    {
        Assert.Equal([3, 7, 11, 15], Indices(Samples(16).Split(0.25, 4).HeldOut));
    }

    [Fact]
    public void OneSampleIsBothParts()
    {
        (DataSet data, DataSet heldOut, bool isSame) = Samples(1).Split(0.25, 4);
        Assert.True(isSame);
        Assert.Same(data, heldOut);
    }

    [Fact]
    public void SamplesOfDifferentLengthsDoNotJoin()
    {
        Sample[] samples = [.. Samples(4).Samples];
        samples[2] = samples[2] with { Inputs = new Dictionary<string, DataTensor> { ["x"] = new(DataType.Float, [1, 2], new byte[8]) } };
        Assert.Equal([2L, 1, 1], new SampleSet(samples, "made up").ToDataSet(4).Batches.Select(b => b["x"].Shape[0]));
    }

    private static SampleSet Samples(int count) =>
        new(
            [
                .. Enumerable
                    .Range(0, count)
                    .Select(i => new Sample(
                        new Dictionary<string, DataTensor> { ["x"] = new(DataType.Float, [1, 1], BitConverter.GetBytes((float)i)) },
                        true,
                        new SampleOrigin("made up", i)
                    )),
            ],
            "made up"
        );

    private static int[] Indices(DataSet data) => [.. data.Origins.SelectMany(o => o).Select(o => o.Index)];

    private static int[] Values(DataSet data) =>
        [.. data.Batches.SelectMany(b => MemoryMarshal.Cast<byte, float>(b["x"].Bytes).ToArray()).Select(v => (int)v)];
}
