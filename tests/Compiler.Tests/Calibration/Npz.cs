using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace Lorq.Tests.Calibration;

/// <summary>Writes NumPy files.</summary>
internal static class Npz
{
    public static byte[] Array<T>(string type, long[] shape, T[] values, bool fortran = false, byte version = 1)
        where T : unmanaged
    {
        string dims = shape.Length == 1 ? $"{shape[0]}," : string.Join(", ", shape);
        string header = $"{{'descr': '{type}', 'fortran_order': {(fortran ? "True" : "False")}, 'shape': ({dims}), }}\n";
        byte[] text = Encoding.ASCII.GetBytes(header);
        byte[] length = version == 1 ? BitConverter.GetBytes((ushort)text.Length) : BitConverter.GetBytes(text.Length);
        return [0x93, .. "NUMPY"u8, version, 0, .. length, .. text, .. MemoryMarshal.AsBytes(values.AsSpan())];
    }

    public static void Write(string path, params (string Name, byte[] Array)[] arrays)
    {
        using ZipArchive zip = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach ((string name, byte[] array) in arrays)
        {
            using Stream entry = zip.CreateEntry(name + ".npy").Open();
            entry.Write(array);
        }
    }
}
