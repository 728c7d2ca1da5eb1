using Lorq.Calibration;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Calibration;

public sealed class ActivationStoreTests
{
    // 0: everything waits in files; 40: some does.
    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(10_000)]
    public void What_is_put_comes_back_whether_it_fits_or_not(long cap)
    {
        using var store = new ActivationStore(cap);
        var pairs = new ActivationPair[6];
        for (int b = 0; b < pairs.Length; b++)
        {
            DataTensor original = Tensor(b);
            pairs[b] = new ActivationPair(original, b % 2 == 0 ? original : Tensor(b + 100));
            store.Put("t", b, pairs[b]);
        }
        for (int b = 0; b < pairs.Length; b++)
        {
            ActivationPair back = store.Get("t", b);
            Assert.Equal(pairs[b].Original.Bytes, back.Original.Bytes);
            Assert.Equal(pairs[b].Compressed.Bytes, back.Compressed.Bytes);
            Assert.Equal(pairs[b].Original.Shape, back.Original.Shape);
            Assert.Equal(pairs[b].IsShared, back.IsShared);
        }
        store.Drop("t", pairs.Length);
        Assert.Throws<KeyNotFoundException>(() => store.Get("t", 0));
    }

    [Fact]
    public void Dropping_makes_room()
    {
        using var store = new ActivationStore(16);
        DataTensor tensor = Tensor(1);
        for (int i = 0; i < 100; i++)
        {
            store.Put($"t{i}", 0, new ActivationPair(tensor, tensor));
            // Only what is held in memory is the very array that was put.
            Assert.Same(tensor.Bytes, store.Get($"t{i}", 0).Original.Bytes);
            store.Drop($"t{i}", 1);
        }
    }

    [Fact]
    public void Nothing_is_left_of_what_waited_in_files()
    {
        var store = new ActivationStore(-1);
        store.Put("t", 0, new ActivationPair(Tensor(1), Tensor(2)));
        Assert.Equal(Tensor(2).Bytes, store.Get("t", 0).Compressed.Bytes);
        store.Dispose();
        Assert.ThrowsAny<IOException>(() => store.Get("t", 0));
    }

    private static DataTensor Tensor(int value) => new(DataType.Float, [2, 2], [.. Enumerable.Range(0, 16).Select(i => (byte)(value + i))]);
}
